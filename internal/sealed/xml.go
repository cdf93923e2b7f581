package sealed

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
)

// readXML reads one element with an element for each field, and text in these alone.
//
// What makes XML dangerous or ambiguous is refused before the library reads anything: "<!" begins every comment, DOCTYPE and CDATA
// section and nothing else, since a bare '<' stands in no text and no value of an attribute. Without DOCTYPE there are no entities but
// the five of XML itself and characters by number.
func (l *list) readXML(text []byte) error {
	if at := bytes.Index(text, []byte("<!")); at >= 0 {
		return l.bad(at, "the XML has a DOCTYPE, a comment or a CDATA section")
	}
	if at := bytes.LastIndex(text, []byte("<?")); at > 0 || at == 0 && !bytes.HasPrefix(text, []byte("<?xml ")) {
		return l.bad(at, "the XML has a processing instruction, or its declaration isn't at its start")
	}
	r := xmlReader{list: l, d: xml.NewDecoder(bytes.NewReader(text))}
	r.d.CharsetReader = asUTF8
	for {
		r.at = int(r.d.InputOffset())
		token, err := r.d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = r.take(token)
		} else {
			err = l.bad(int(r.d.InputOffset()), "the text begins as XML does, but isn't well-formed, or names another encoding than UTF-8 "+
				"or an entity that isn't known")
		}
		if err != nil {
			return err
		}
	}
	if !r.ended {
		return l.bad(len(text), "the XML ends too early")
	}
	return nil
}

// asUTF8 reads a text that declares UTF-16 as what it is: UTF-8, as was seen before. .NET's serializer declares UTF-16 of every text
// that it writes to a string, whatever encoding that is given afterwards.
func asUTF8(label string, text io.Reader) (io.Reader, error) {
	if !strings.EqualFold(label, "utf-16") {
		return nil, errEncoding
	}
	return text, nil
}

var errEncoding = errors.New("the XML declares another encoding than UTF-8")

// xmlReader is where the reading of an XML text has got to.
type xmlReader struct {
	*list
	d     *xml.Decoder
	at    int
	depth int // 0 outside the root, 1 in it, 2 in a field
	root  string
	ended bool
	name  string // of the field
	value []byte
}

// take takes the next token. RawToken checks neither that what begins ends, nor where it stands.
func (r *xmlReader) take(token xml.Token) error {
	switch token := token.(type) {
	case xml.StartElement:
		return r.start(token)
	case xml.EndElement:
		return r.end(token.Name)
	case xml.CharData:
		if r.depth == 2 {
			r.value = append(r.value, token...)
		} else if len(bytes.Trim(token, space)) > 0 {
			return r.bad(r.at, "the XML has text outside of its fields")
		}
	}
	return nil // the declaration; all else was refused before
}

func (r *xmlReader) start(e xml.StartElement) error {
	if e.Name.Space != "" {
		return r.bad(r.at, "an XML element's name has a namespace")
	}
	switch {
	case r.depth == 2:
		return r.bad(r.at, "an XML field has an element in it")
	case r.depth == 1:
		if len(e.Attr) > 0 {
			return r.bad(r.at, "an XML field has attributes")
		}
		r.name, r.value = e.Name.Local, r.value[:0]
		r.depth = 2
		return r.list.name(r.at, r.name)
	case r.ended:
		return r.bad(r.at, "something follows the XML root")
	}
	r.depth, r.root = 1, e.Name.Local
	return r.checkRoot(e.Attr)
}

// checkRoot wants one of the roots that XDOC has, without attributes but declarations of namespaces, which .NET's serializer writes.
func (r *xmlReader) checkRoot(attributes []xml.Attr) error {
	if !slices.Contains([]string{"SecurityToken", "UserToken", "token"}, r.root) {
		return r.bad(r.at, "the XML root is none of SecurityToken, UserToken and token")
	}
	for i, a := range attributes {
		if a.Name.Space != "xmlns" && a.Name != (xml.Name{Local: "xmlns"}) {
			return r.bad(r.at, "the XML root has attributes")
		}
		if slices.ContainsFunc(attributes[:i], func(b xml.Attr) bool { return b.Name == a.Name }) {
			return r.bad(r.at, "the XML root has an attribute twice")
		}
	}
	return nil
}

func (r *xmlReader) end(name xml.Name) error {
	open := r.root
	if r.depth == 2 {
		open = r.name
	}
	if r.depth == 0 || name != (xml.Name{Local: open}) {
		return r.bad(r.at, "an XML element ends that didn't begin")
	}
	r.depth--
	if r.depth == 0 {
		r.ended = true
		return nil
	}
	return r.add(r.at, r.name, string(r.value))
}
