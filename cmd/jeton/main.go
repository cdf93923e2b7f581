// Command jeton is the token desk of an API.
package main

func main() {}
