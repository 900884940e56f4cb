package httpapi

import (
	"encoding/json"
	"html/template"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// pair is a labelled value.
type pair struct {
	Label string
	Value shown
}

// shown is a value as a page shows it. Kind is "", link, list, group, rich, time or code.
type shown struct {
	Kind    string
	Text    string
	URL     string
	Outside bool
	HTML    template.HTML
	Items   []shown
	Pairs   []pair
	Deep    bool // a list whose items are groups
}

// pairs lists the filled fields of an object, in the type's order. The title is the page's heading already.
func (p page) pairs(t *core.Type, under string, doc map[string]any) []pair {
	var out []pair
	for i := range t.Fields {
		f := &t.Fields[i]
		name, here := strings.CutPrefix(f.Path, under)
		if !here || strings.Contains(name, ".") || f.Path == t.TitleField || f.Path == t.SlugField {
			continue
		}
		if v := doc[name]; filled(v) {
			out = append(out, pair{either(f.Label.In(p.Lang), name), p.deep(t, f, v)})
		}
	}
	return out
}

func filled(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	}
	return true
}

// deep shows a value with what lies in it.
func (p page) deep(t *core.Type, f *core.Field, v any) shown {
	switch v := v.(type) {
	case []any:
		return p.list(t, f, v)
	case map[string]any:
		if f.Kind == core.KindObject {
			return shown{Kind: "group", Pairs: p.pairs(t, f.Path+".", v)}
		}
	}
	return p.value(f, v)
}

// list shows several values; one alone needs no bullet.
func (p page) list(t *core.Type, f *core.Field, values []any) shown {
	if len(values) == 1 {
		return p.deep(t, f, values[0])
	}
	list := shown{Kind: "list", Deep: f.Kind == core.KindObject}
	for _, item := range values {
		list.Items = append(list.Items, p.deep(t, f, item))
	}
	return list
}

// value shows one value of a field.
func (p page) value(f *core.Field, v any) shown {
	for _, e := range f.Enum {
		if jsondoc.Equal(e.Value, v) && len(e.Label) > 0 {
			return shown{Text: e.Label.In(p.Lang)}
		}
	}
	switch v := v.(type) {
	case nil:
		return shown{}
	case bool:
		return shown{Text: p.Say(map[bool]string{true: "yes", false: "no"}[v])}
	case json.Number:
		return shown{Text: p.number(v)}
	case string:
		return p.text(f, v)
	case map[string]any:
		return p.object(f, v)
	}
	return shown{Kind: "code", Text: string(jsondoc.Encode(v))}
}

func (p page) text(f *core.Field, s string) shown {
	if f.Kind == core.KindTime || f.Kind == core.KindDate {
		return p.moment(f.Kind, s)
	}
	if u, ok := webAddress(s); ok {
		return shown{Kind: "link", Text: s, URL: u, Outside: true}
	}
	return shown{Text: s}
}

func (p page) moment(kind core.Kind, s string) shown {
	if at, err := time.Parse(time.DateOnly, s); err == nil && kind == core.KindDate {
		return shown{Kind: "time", Text: p.day(at), URL: s}
	}
	if at, err := time.Parse(time.RFC3339, s); err == nil {
		return shown{Kind: "time", Text: p.day(at) + " · " + at.UTC().Format("15:04") + " UTC", URL: s}
	}
	return shown{Text: s}
}

func webAddress(s string) (string, bool) {
	if !strings.HasPrefix(s, "https://") && !strings.HasPrefix(s, "http://") {
		return "", false
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return "", false
	}
	return u.String(), true
}

func (p page) object(f *core.Field, v map[string]any) shown {
	switch f.Kind {
	case core.KindRef:
		return p.reference(v)
	case core.KindMedia:
		return shown{Text: either(textOf(v["alt"]), textOf(v["_media"]))}
	case core.KindRichText:
		return shown{Kind: "rich", HTML: richHTML(v, p)}
	case core.KindGeo:
		if where := pointOf(v); where != "" {
			return shown{Text: where}
		}
	}
	return shown{Kind: "code", Text: string(jsondoc.Encode(v))}
}

// reference leads to the entry's page, by its title where it is embedded.
func (p page) reference(v map[string]any) shown {
	name := core.TypeName(textOf(v["_type"]))
	id := either(textOf(v["_ref"]), textOf(v["_id"]))
	var t *core.Type
	if p.find != nil {
		t, _ = p.find(name)
	}
	embedded, _ := v["_entry"].(map[string]any)
	if embedded == nil {
		embedded = v
	}
	text, to := id, id
	if t != nil && textOf(embedded["_id"]) != "" {
		text, to = p.titleOf(t, embedded), addressOf(t, embedded)
	}
	return shown{Kind: "link", Text: text, URL: p.Link(browsePath(name, to))}
}

// pointOf writes a point's coordinates, latitude first as people say them.
func pointOf(v map[string]any) string {
	at, _ := v["coordinates"].([]any)
	if textOf(v["type"]) != "Point" || len(at) < 2 {
		return textOf(v["type"])
	}
	return textOf(at[1]) + ", " + textOf(at[0])
}

func textOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

// number writes a number as the language does.
func (p page) number(n json.Number) string {
	if i, err := n.Int64(); err == nil {
		if i > -10000 && i < 10000 {
			return n.String() // years are numbers too
		}
		return grouped(i, p.Lang)
	}
	if p.Lang == "fr" {
		return strings.Replace(n.String(), ".", ",", 1)
	}
	return n.String()
}

// grouped writes a whole number in groups of three.
func grouped(n int64, lang core.Locale) string {
	separator := "\u202f"
	if lang == "en" {
		separator = ","
	}
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "−", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + separator + digits[i:]
	}
	return sign + digits
}

// counted says how many entries there are.
func (p page) counted(n int64) string {
	if n == 1 || n == 0 && p.Lang == "fr" {
		return grouped(n, p.Lang) + "\u00a0" + p.Say("entry")
	}
	return grouped(n, p.Lang) + "\u00a0" + p.Say("entries")
}

var frenchMonths = [...]string{"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"}

// day writes a day as the language does.
func (p page) day(at time.Time) string {
	at = at.UTC()
	if p.Lang == "en" {
		return at.Format("2 January 2006")
	}
	number := strconv.Itoa(at.Day())
	if at.Day() == 1 {
		number = "1er"
	}
	return number + " " + frenchMonths[at.Month()-1] + " " + strconv.Itoa(at.Year())
}
