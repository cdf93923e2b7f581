// Command objects reads what Helm has rendered, on standard input, by Kubernetes' own types. A member that these don't have, or
// one of another type, is an error: a cluster would drop the former without a word.
//
// It prints the kind and the name of each object.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
)

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run reads all objects.
func run(in io.Reader, out io.Writer) error {
	decoder := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	documents := yaml.NewYAMLReader(bufio.NewReader(in))
	for {
		text, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading a document: %w", err)
		}
		object, kind, err := decoder.Decode(text, nil, nil)
		if err != nil {
			return fmt.Errorf("reading an object: %w, of\n%s", err, text)
		}
		name, err := meta.NewAccessor().Name(object)
		if err != nil {
			return fmt.Errorf("reading a name: %w", err)
		}
		fmt.Fprintln(out, kind.Kind, name)
	}
}
