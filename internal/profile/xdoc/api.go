package xdoc

import (
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/jeton-io/jeton/internal/web"
)

// envelope is the product's answer to every call of a method, in the order of its attributes.
type envelope struct {
	XMLName       xml.Name `xml:"ServiceResponse"`
	ServiceName   string   `xml:",attr"`
	ServiceMethod string   `xml:",attr"`
	RequestDate   string   `xml:",attr"`
	RequestID     string   `xml:"RequestId,attr"`
	Success       string   `xml:",attr"` // 1 or 0
	ResponseDate  string   `xml:",attr"`
	ResultCode    string   `xml:",attr"`
	ResultInfo    string   `xml:",attr"`
	ResultInfoEx  string   `xml:",attr"`
	ReturnData    string   `xml:",attr"`
	ErrorCode     string   `xml:",attr"` // 0 where there is none
	ErrorInfo     string   `xml:",attr"`
	ErrorInfoEx   string   `xml:",attr"`
	ExternalKey   string   `xml:",attr"`
	ExternalInfo  string   `xml:",attr"`
	ResponseData  string
	ResponseTrace string
}

// asked is what a call asks for, beside its tokens.
type asked struct {
	method, input, isError string
	key, info              string // by which the client knows the call again
}

// ownMethod is the one that Jeton itself answers.
const ownMethod = "App.ApiTest"

// invoke calls a method for whoever the tokens say. Where Jeton stands before the product, all other methods are the product's, and are
// called by whatever credential there is. Where it doesn't, that there is no such method hears nobody but whose tokens are good, as
// there may be one behind the proxy.
func (c *call) invoke() error {
	all, err := c.parameters()
	if err != nil {
		return err
	}
	var a asked
	err = all.read(map[string]*string{"XM": &a.method, "InputData": &a.input, "IsError": &a.isError, "XEXTKEY": &a.key, "XEXTINFO": &a.info})
	if err != nil {
		return err
	}
	if err := c.present(all); err != nil {
		return c.failed(&a, err)
	}
	if c.cfg.Forward != nil && a.method != ownMethod {
		if err := c.forward(); err != nil {
			return c.failed(&a, err)
		}
		return nil
	}
	owner, err := c.cfg.Authority.Identify(c.r.Context(), &c.in, &c.door)
	if err != nil {
		return c.failed(&a, err)
	}
	c.line.Caller(&owner)
	switch {
	case a.method != ownMethod:
		return c.failed(&a, unknownMethod)
	case a.isError == "1":
		return c.failed(&a, simulated)
	}
	e := c.envelope(&a)
	e.Success, e.ResultCode, e.ResultInfo, e.ReturnData, e.ErrorCode = "1", "0", "Success", a.input, "0"
	return c.write(http.StatusOK, &e)
}

// failEnvelope answers with an error before it was known what is asked for.
func (c *call) failEnvelope(err error) {
	if err := c.failed(&asked{}, err); err != nil {
		c.line.Err = err // never: an envelope can be written
		c.answer(http.StatusInternalServerError)
	}
}

// failed answers with an error.
func (c *call) failed(a *asked, err error) error {
	f := c.failureOf(err)
	e := c.envelope(a)
	e.Success, e.ResultCode, e.ResultInfo, e.ResultInfoEx = "0", strconv.Itoa(f.code), f.info, f.more
	e.ErrorCode, e.ErrorInfo, e.ErrorInfoEx = e.ResultCode, f.info, f.more
	c.w.Header().Del("Www-Authenticate") // the answer is no 401, whatever it would have been elsewhere
	web.SetProblemHeaders(c.w.Header(), f.enveloped(), f.wait)
	return c.write(f.enveloped(), &e)
}

// maxName bounds the name of a service or a method in an answer, in bytes.
const maxName = 128

// envelope returns an answer to what is asked for, but for the result.
func (c *call) envelope(a *asked) envelope {
	const instant = "2006-01-02T15:04:05Z"
	service, method := "", a.method
	if dot := strings.LastIndexByte(method, '.'); dot >= 0 {
		service, method = method[:dot], method[dot+1:]
	}
	return envelope{
		ServiceName: cut(service), ServiceMethod: cut(method), RequestID: web.RequestID(c.w), ExternalKey: a.key, ExternalInfo: a.info,
		RequestDate: c.began.UTC().Format(instant), ResponseDate: c.cfg.Now().UTC().Format(instant),
	}
}

// cut shortens a name to the bound, between two characters.
func cut(name string) string {
	if len(name) <= maxName {
		return name
	}
	end := maxName
	for end > 0 && !utf8.RuneStart(name[end]) {
		end--
	}
	return name[:end]
}

// write answers with an envelope. What a client wrote is escaped, and U+FFFD takes the place of what XML has no spelling for; the
// header's fields hold only words of ours.
func (c *call) write(status int, e *envelope) error {
	text, err := xml.Marshal(e)
	if err != nil {
		return err
	}
	h := c.w.Header()
	h.Set("Content-Type", "text/xml; charset=utf-8")
	h["XwsResultCode"], h["XwsResultInfo"] = []string{e.ResultCode}, []string{e.ResultInfo} // as the product spells them
	c.answer(status)
	_, _ = c.w.Write(append([]byte(xml.Header), text...)) // the caller may have gone
	return nil
}
