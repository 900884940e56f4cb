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
		return nil, core.Refuse(core.CodeTooLarge, "", "The body has %d bytes; %d are allowed.", "Le texte compte %d octets ; %d sont permis.", len(data), l.Bytes)
	}
	if len(bytes.TrimLeft(data, " \t\r\n")) == 0 {
		return nil, core.Refuse(core.CodeBadRequest, "", "The body is empty; JSON is expected.", "Le texte est vide ; du JSON est attendu.")
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
		return nil, core.Refuse(core.CodeBadRequest, "", `The body must be a JSON object, like {"title": "…"}.`, `Le texte doit être un objet JSON, comme {"title": "…"}.`)
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
type refused struct{ why core.Text }

func (r *refused) Error() string { return r.why["en"] }

func refuse(en, fr string, args ...any) error { return &refused{core.Say(en, fr, args...)} }

func (d *decoder) value() (any, error) {
	if d.nodes++; d.limits.Nodes > 0 && d.nodes > d.limits.Nodes {
		return nil, refuse("more than %d values in one body", "plus de %d valeurs en un seul texte", d.limits.Nodes)
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
		return nil, refuse("a number of more than %d digits", "un nombre de plus de %d chiffres", d.limits.Digits)
	}
	if scientific && d.limits.Exponent > 0 {
		if e, err := strconv.Atoi(exponent); err != nil || e > d.limits.Exponent || e < -d.limits.Exponent {
			return nil, refuse("a number with an exponent beyond ±%d", "un nombre dont l’exposant dépasse ±%d", d.limits.Exponent)
		}
	}
	return json.Number(s), nil
}

func (d *decoder) deep() error {
	if d.limits.Depth > 0 && d.StackDepth() > d.limits.Depth {
		return refuse("more than %d levels of arrays and objects", "plus de %d niveaux de tableaux et d’objets", d.limits.Depth)
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
			return nil, refuse("more than %d members in one object", "plus de %d membres dans un objet", d.limits.Keys)
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
			return refuse("the keys %q and %q differ only by case", "les clés %q et %q ne diffèrent que par la casse", min(key, other), max(key, other))
		}
		seen[folded] = key
	}
	return nil
}

func (d *decoder) end() error {
	if _, err := d.ReadToken(); err != io.EOF {
		if err == nil {
			err = refuse("more than one JSON value", "plus d’une valeur JSON")
		}
		return err
	}
	return nil
}

// explain makes the sentence that the caller sees: what is wrong and where.
func (d *decoder) explain(err error) error {
	if r := (*refused)(nil); errors.As(err, &r) {
		at := place(d.StackPointer())
		return core.Refuse(core.CodeBadRequest, "", "The JSON is refused: %[1]s (at %[2]s).", "Le JSON est refusé : %[3]s (en %[4]s).", r.why["en"], at["en"], r.why["fr"], at["fr"])
	}
	var told *core.Error
	if syntax := (*jsontext.SyntacticError)(nil); errors.As(err, &syntax) {
		what, at := whatIsWrong(syntax), place(syntax.JSONPointer)
		told = core.Refuse(core.CodeBadRequest, "", "The JSON cannot be read: %[1]s at byte %[2]d (%[3]s).", "Le JSON est illisible : %[4]s à l’octet %[2]d (%[5]s).",
			what["en"], syntax.ByteOffset, at["en"], what["fr"], at["fr"])
	} else {
		told = core.Refuse(core.CodeBadRequest, "", "The JSON cannot be read.", "Le JSON est illisible.")
	}
	told.Err = err
	return told
}

func whatIsWrong(syntax *jsontext.SyntacticError) core.Text {
	switch {
	case errors.Is(syntax, jsontext.ErrDuplicateName):
		return core.Say("a key stands twice in one object", "une clé figure deux fois dans un objet")
	case errors.Is(syntax, io.ErrUnexpectedEOF), errors.Is(syntax, io.EOF):
		return core.Say("it ends too early", "il s’arrête trop tôt")
	case syntax.Err != nil && strings.Contains(syntax.Err.Error(), "UTF-8"):
		return core.Say("it is not valid UTF-8", "ce n’est pas de l’UTF-8 valide")
	}
	return core.Say("syntax error", "erreur de syntaxe")
}

func place(p jsontext.Pointer) core.Text {
	if p == "" {
		return core.Say("the top", "tête")
	}
	if len(p) > 200 {
		p = p[:200] + "…"
	}
	s := strings.ToValidUTF8(string(p), "\uFFFD")
	return core.Say(s, s)
}
