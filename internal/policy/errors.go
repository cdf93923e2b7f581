package policy

import "fmt"

// InvalidError says that one value of a service can't be used.
type InvalidError struct {
	// Service is the service's name.
	Service string
	// Operation is the pattern of the operation at fault, and empty where the
	// service itself is.
	Operation string
	// Field is the value's name on the wire: host, path_prefix, default,
	// allow_in_path, pattern, audience or scope.
	Field string
	Value string
	// Problem says what is wrong and what to write instead.
	Problem string
}

// Error names service, field, value and problem.
func (e *InvalidError) Error() string {
	if e.Operation == "" || e.Field == "pattern" {
		return fmt.Sprintf("service %q: %s %q: %s", e.Service, e.Field, e.Value, e.Problem)
	}
	return fmt.Sprintf("service %q: operation %q: %s %q: %s", e.Service, e.Operation, e.Field, e.Value, e.Problem)
}

// ConflictError says that two patterns of one service both match some call
// while neither is more specific than the other. A pattern given twice
// conflicts with itself.
type ConflictError struct {
	// Service is the service's name.
	Service string
	// A and B are the patterns as they were written, A the earlier one.
	A, B string
	// Example is a call that both match, in the form of a pattern.
	Example string
}

// Error names both patterns and the example.
func (e *ConflictError) Error() string {
	return fmt.Sprintf("service %q: patterns %q and %q conflict: both match %q, and neither is more specific",
		e.Service, e.A, e.B, e.Example)
}

// DuplicateServiceError says that two services have the same host and prefix,
// so that no call could tell them apart.
type DuplicateServiceError struct {
	// A and B are the services' names, A the earlier one.
	A, B string
	Host string
	// PathPrefix is empty for the whole host.
	PathPrefix string
}

// Error names both services.
func (e *DuplicateServiceError) Error() string {
	return fmt.Sprintf("services %q and %q both have the host %q and the path prefix %q",
		e.A, e.B, e.Host, e.PathPrefix)
}
