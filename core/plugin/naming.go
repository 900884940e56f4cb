package plugin

import (
	"net/url"
	"slices"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// Naming finds what settings name and the site does not have: types, and their fields.
type Naming struct {
	types core.Types
	wrong []core.FieldError
}

// NewNaming begins with nothing found.
func NewNaming(types core.Types) *Naming { return &Naming{types: types} }

// Type gives a type of content; one that is not there is noted at a JSON Pointer into the settings, and nil.
func (n *Naming) Type(pointer string, name core.TypeName) *core.Type {
	if t, ok := n.types.Type(name); ok && !name.System() {
		return t
	}
	n.Wrong(pointer, core.Say("There is no content type %q.", "Il n’y a pas de type de contenu « %s ».", string(name)))
	return nil
}

// Field gives a field by its dotted path; one that is not there is noted, and nil. "" names no field, and is not noted.
func (n *Naming) Field(pointer string, t *core.Type, path string) *core.Field {
	f, ok := t.Field(path)
	if ok || path == "" {
		return f
	}
	n.Wrong(pointer, core.Say("The type %s has no field %q.", "Le type %s n’a pas de champ « %s ».", string(t.Name), path))
	return nil
}

// Page notes the fields in an address that the type does not have.
func (n *Naming) Page(pointer string, t *core.Type, page PageAddress) {
	for _, path := range page.Fields() {
		switch path {
		case "":
			n.Wrong(pointer, core.Say("Put the name of a field between the braces, as in /{slug}.", "Mettez le nom d’un champ entre les accolades, comme dans /{slug}."))
		case "_id":
		default:
			n.Field(pointer, t, path)
		}
	}
}

// Wrong notes anything else.
func (n *Naming) Wrong(pointer string, problem core.Text) {
	n.wrong = append(n.wrong, FieldIn(pointer, problem))
}

// Err is what was noted as one error, nil for nothing.
func (n *Naming) Err() error {
	if len(n.wrong) == 0 {
		return nil
	}
	slices.SortFunc(n.wrong, func(a, b core.FieldError) int { return strings.Compare(a.Pointer, b.Pointer) })
	return &core.Error{Code: core.CodeInvalid, Reason: "settings", Message: n.wrong[0].Message, Texts: n.wrong[0].Texts, Fields: n.wrong}
}

// PageAddress is where a website shows the entries of a type, with fields of the entry in braces: "/fiches/{slug}".
type PageAddress string

// Fields are the dotted paths between the braces; "" for a brace that is not closed.
func (p PageAddress) Fields() []string {
	var all []string
	for _, part := range strings.Split(string(p), "{")[1:] {
		field, _, closed := strings.Cut(part, "}")
		if !closed {
			field = ""
		}
		all = append(all, field)
	}
	return all
}

// Fill gives the address of one entry, the fields' texts escaped; "" where one of them is missing.
func (p PageAddress) Fill(doc map[string]any) string {
	before, rest, more := strings.Cut(string(p), "{")
	var b strings.Builder
	for b.WriteString(before); more; {
		var field string
		field, rest, _ = strings.Cut(rest, "}")
		value := jsondoc.Text(doc, field)
		if value == "" {
			return ""
		}
		b.WriteString(url.PathEscape(value))
		before, rest, more = strings.Cut(rest, "{")
		b.WriteString(before)
	}
	return b.String()
}
