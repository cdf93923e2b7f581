package httpapi

// HumaProblem is what becomes of an error of huma's.
var HumaProblem = humaProblem
