package jsondoc

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/palabre-cms/palabre/core"
)

// Limits bound what Decode accepts. A zero field is no limit.
type Limits struct {
	Bytes    int // of the whole text
	Depth    int // of arrays and objects inside each other
	Nodes    int // values in all
	Keys     int // members of one object
	Digits   int // of one number
	Exponent int // of one number, absolute
}

// Default is what an entry may be.
var Default = Limits{Bytes: 1 << 20, Depth: 32, Nodes: 50_000, Keys: 1_000, Digits: 40, Exponent: 308}

// Decode reads one JSON value from a stranger. Errors are *core.Error: CodeTooLarge when the text is too long,
// CodeBadRequest with the place otherwise.
func Decode(data []byte, l Limits) (any, error) {
	if l.Bytes > 0 && len(data) > l.Bytes {
		return nil, core.Errorf(core.CodeTooLarge, "The body has %d bytes; %d are allowed.", len(data), l.Bytes)
	}
	if len(bytes.TrimLeft(data, " \t\r\n")) == 0 {
		return nil, core.Errorf(core.CodeBadRequest, "The body is empty; JSON is expected.")
	}
	d := decoder{Decoder: jsontext.NewDecoder(bytes.NewBuffer(data)), limits: l, strict: true}
	v, err := d.value()
	if err == nil {
		err = d.end()
	}
	if err != nil {
		return nil, d.explain(err)
	}
	return v, nil
}

// DecodeObject is Decode for a text that must be an object.
func DecodeObject(data []byte, l Limits) (map[string]any, error) {
	v, err := Decode(data, l)
	if err != nil {
		return nil, err
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, core.Errorf(core.CodeBadRequest, "The body must be a JSON object, like {\"title\": \"…\"}.")
	}
	return m, nil
}

// Parse reads text that was encoded here. It checks syntax and nothing else.
func Parse(data []byte) (any, error) {
	d := decoder{Decoder: jsontext.NewDecoder(bytes.NewBuffer(data), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))}
	v, err := d.value()
	if err != nil {
		return nil, core.Errorf(core.CodeInternal, "A stored document cannot be read: %w", err)
	}
	return v, nil
}

// ParseObject is Parse for an object.
func ParseObject(data []byte) (map[string]any, error) {
	v, err := Parse(data)
	if err != nil {
		return nil, err
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, core.Errorf(core.CodeInternal, "A stored document is not an object.")
	}
	return m, nil
}

type decoder struct {
	*jsontext.Decoder
	limits Limits
	strict bool
	nodes  int
}

// refused is a limit or rule that the text breaks, as opposed to its syntax.
type refused string

func (r refused) Error() string { return string(r) }

func (d *decoder) value() (any, error) {
	if d.nodes++; d.limits.Nodes > 0 && d.nodes > d.limits.Nodes {
		return nil, refused("more than " + strconv.Itoa(d.limits.Nodes) + " values in one body")
	}
	tok, err := d.ReadToken()
	if err != nil {
		return nil, err
	}
	switch tok.Kind() {
	case 'n':
		return nil, nil
	case 't', 'f':
		return tok.Bool(), nil
	case '"':
		return tok.String(), nil
	case '0':
		return d.number(tok.String())
	case '[':
		return d.array()
	default:
		return d.object()
	}
}

func (d *decoder) number(s string) (any, error) {
	mantissa, exponent, scientific := strings.Cut(strings.ToLower(s), "e")
	if d.limits.Digits > 0 && len(strings.Trim(mantissa, "-."))-strings.Count(mantissa, ".") > d.limits.Digits {
		return nil, refused("a number of more than " + strconv.Itoa(d.limits.Digits) + " digits")
	}
	if scientific && d.limits.Exponent > 0 {
		if e, err := strconv.Atoi(exponent); err != nil || e > d.limits.Exponent || e < -d.limits.Exponent {
			return nil, refused("a number with an exponent beyond ±" + strconv.Itoa(d.limits.Exponent))
		}
	}
	return json.Number(s), nil
}

func (d *decoder) deep() error {
	if d.limits.Depth > 0 && d.StackDepth() > d.limits.Depth {
		return refused("more than " + strconv.Itoa(d.limits.Depth) + " levels of arrays and objects")
	}
	return nil
}

func (d *decoder) array() (any, error) {
	if err := d.deep(); err != nil {
		return nil, err
	}
	list := []any{}
	for d.PeekKind() != ']' {
		v, err := d.value()
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err := d.ReadToken()
	return list, err
}

func (d *decoder) object() (any, error) {
	if err := d.deep(); err != nil {
		return nil, err
	}
	m := map[string]any{}
	for d.PeekKind() != '}' {
		tok, err := d.ReadToken()
		if err != nil {
			return nil, err
		}
		key := tok.String()
		if m[key], err = d.value(); err != nil {
			return nil, err
		}
		if d.limits.Keys > 0 && len(m) > d.limits.Keys {
			return nil, refused("more than " + strconv.Itoa(d.limits.Keys) + " members in one object")
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, err
	}
	if d.strict {
		return m, caseVariants(m)
	}
	return m, nil
}

// caseVariants refuses {"role": …, "ROLE": …}: readers that fold case would see another document than we validate.
func caseVariants(m map[string]any) error {
	if len(m) < 2 {
		return nil
	}
	seen := make(map[string]string, len(m))
	for key := range m {
		folded := strings.ToLower(key)
		if other, ok := seen[folded]; ok {
			return refused("the keys " + strconv.Quote(min(key, other)) + " and " + strconv.Quote(max(key, other)) + " differ only by case")
		}
		seen[folded] = key
	}
	return nil
}

func (d *decoder) end() error {
	if _, err := d.ReadToken(); err != io.EOF {
		if err == nil {
			err = refused("more than one JSON value")
		}
		return err
	}
	return nil
}

// explain makes the sentence that the caller sees: what is wrong and where.
func (d *decoder) explain(err error) error {
	var r refused
	if errors.As(err, &r) {
		return core.Errorf(core.CodeBadRequest, "The JSON is refused: %s (at %s).", string(r), place(d.StackPointer()))
	}
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		what := "syntax error"
		switch {
		case errors.Is(err, jsontext.ErrDuplicateName):
			what = "a key stands twice in one object"
		case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
			what = "it ends too early"
		case syntax.Err != nil && strings.Contains(syntax.Err.Error(), "UTF-8"):
			what = "it is not valid UTF-8"
		}
		return &core.Error{Code: core.CodeBadRequest, Err: err,
			Message: "The JSON cannot be read: " + what + " at byte " + strconv.FormatInt(syntax.ByteOffset, 10) + " (" + place(syntax.JSONPointer) + ")."}
	}
	return &core.Error{Code: core.CodeBadRequest, Message: "The JSON cannot be read.", Err: err}
}

func place(p jsontext.Pointer) string {
	if p == "" {
		return "the top"
	}
	if len(p) > 200 {
		p = p[:200] + "…"
	}
	return strings.ToValidUTF8(string(p), "�")
}
