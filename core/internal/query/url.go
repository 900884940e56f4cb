package query

import (
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// wish is a request as it was written: no name in it is checked yet.
type wish struct {
	conditions []condition
	trees      []any
	text       string
	highlight  bool
	sort       []string
	limit      int
	after      string
	total      bool
	fields     []string
	include    []string
	types      []string
	facets     []string
	locale     core.Locale
	state      core.State
	place      place
	richText   string
}

// condition is one comparison as it was written.
type condition struct {
	field, op string
	value     literal
}

// place is bbox, near, within and geo as they were written; nil numbers are none.
type place struct {
	bbox, near    []float64
	within, field string
}

func newWish() *wish {
	return &wish{limit: defaultLimit, total: true, state: core.StatePublished}
}

// parameter reads one query parameter into a wish. Those of a list may be given several times.
type parameter struct {
	name  string
	lists bool
	one   bool // goes with a single entry too
	read  func(w *wish, v string) error
}

// The parameters of API.md, and highlight and richtext.
func parameters() []parameter {
	return []parameter{
		{name: "filter", lists: true, read: readTree},
		{name: "q", read: func(w *wish, v string) error { return w.setText(v) }},
		{name: "highlight", read: func(w *wish, v string) (err error) { w.highlight, err = flag("highlight", v); return }},
		{name: "sort", lists: true, read: func(w *wish, v string) error { w.sort = appendItems(w.sort, v); return nil }},
		{name: "limit", read: readLimit},
		{name: "after", read: func(w *wish, v string) error { w.after = v; return nil }},
		{name: "total", read: func(w *wish, v string) (err error) { w.total, err = flag("total", v); return }},
		{name: "fields", lists: true, one: true, read: func(w *wish, v string) error { w.fields = appendItems(w.fields, v); return nil }},
		{name: "include", lists: true, one: true, read: func(w *wish, v string) error { w.include = appendItems(w.include, v); return nil }},
		{name: "facets", lists: true, read: func(w *wish, v string) error { w.facets = appendItems(w.facets, v); return nil }},
		{name: "locale", one: true, read: func(w *wish, v string) error { w.locale = core.Locale(v); return nil }},
		{name: "state", one: true, read: func(w *wish, v string) error { return w.setState(v) }},
		{name: "bbox", read: func(w *wish, v string) (err error) { w.place.bbox, err = numbers("bbox", v); return }},
		{name: "near", read: func(w *wish, v string) (err error) { w.place.near, err = numbers("near", v); return }},
		{name: "within", read: func(w *wish, v string) error { w.place.within = v; return nil }},
		{name: "geo", read: func(w *wish, v string) error { w.place.field = v; return nil }},
		{name: "richtext", one: true, read: func(w *wish, v string) error { return w.setRichText(v) }},
		{name: "preview", one: true, read: readPreview},
	}
}

var (
	listParameters = parameters()
	oneParameters  = slices.DeleteFunc(parameters(), func(p parameter) bool { return !p.one })
)

// readURL reads URL parameters. The order in which they were written changes nothing, errors included.
func readURL(params url.Values, known []parameter) (*wish, error) {
	w := newWish()
	if len(params) == 0 {
		return w, nil
	}
	size, names := 0, make([]string, 0, len(params))
	for name, values := range params {
		names = append(names, name)
		for _, v := range values {
			size += len(name) + len(v) + 2
		}
	}
	if size > maxParams {
		return nil, refuse("too_long", "The parameters are longer than %d bytes. Send the query as JSON: POST to …/query.",
			"Les paramètres dépassent %d octets. Envoyez la requête en JSON : POST sur …/query.", maxParams)
	}
	sort.Strings(names)
	for _, name := range names {
		if err := readParameter(w, name, params[name], known); err != nil {
			return nil, err
		}
	}
	return w, nil
}

func readParameter(w *wish, name string, values []string, known []parameter) error {
	if strings.HasPrefix(name, "filter[") && find("filter", known) != nil {
		return readBrackets(w, name, values)
	}
	p := find(name, known)
	if p == nil {
		return unknown("parameter", name, parameterNames(known))
	}
	if len(values) > 1 && !p.lists {
		return refuse("repeated_parameter", "%s is given %d times; give it once.", "%s est donné %d fois ; donnez-le une fois.", p.name, len(values))
	}
	for _, v := range values {
		if err := p.read(w, v); err != nil {
			return err
		}
	}
	return nil
}

func find(name string, known []parameter) *parameter {
	for i := range known {
		if known[i].name == name {
			return &known[i]
		}
	}
	return nil
}

func parameterNames(known []parameter) []string {
	names := make([]string, len(known))
	for i := range known {
		names[i] = known[i].name
	}
	return names
}

// readBrackets reads filter[field]=v and filter[field][op]=v.
func readBrackets(w *wish, name string, values []string) error {
	field, rest, closed := strings.Cut(name[len("filter["):], "]")
	op := string(core.OpEq)
	if closed && rest != "" {
		inner, ok := strings.CutPrefix(rest, "[")
		if op, rest, closed = strings.Cut(inner, "]"); !ok || rest != "" {
			closed = false
		}
	}
	if !closed || field == "" || strings.ContainsAny(field+op, "[") {
		return refuse("bad_filter", "%s cannot be read. Write filter[field]=value or filter[field][op]=value.",
			"%s est illisible. Écrivez filter[champ]=valeur ou filter[champ][op]=valeur.", quote(name))
	}
	for _, v := range values {
		w.conditions = append(w.conditions, condition{field: field, op: op, value: literal{text: v, isText: true}})
	}
	return nil
}

func readTree(w *wish, v string) error {
	tree, err := jsondoc.DecodeObject([]byte(v), jsondoc.Default)
	if err != nil {
		return errNoObject(err)
	}
	w.trees = append(w.trees, tree)
	return nil
}

// errNoObject says how a filter is written, after what is wrong with this one where that is known.
func errNoObject(err error) error {
	why := core.Text{}
	if e, ok := core.AsError(err); ok {
		why = core.Text{"en": " " + e.In("en"), "fr": " " + e.In("fr")}
	}
	return refuse("bad_filter", `The filter is no JSON object.%[1]s Write it as {"field": {"op": value}}, with "and", "or" and "not".`,
		`Le filtre n’est pas un objet JSON.%[2]s Écrivez {"champ": {"op": valeur}}, avec "and", "or" et "not".`, why["en"], why["fr"])
}

// readPreview refuses every token: whoever authenticates takes a good one out of the parameters, for it says who asks.
func readPreview(_ *wish, v string) error {
	if v == "" {
		return nil
	}
	return told(core.CodeUnauthenticated, "The preview link is not valid, or no longer. Ask for a new one.",
		"Le lien d’aperçu n’est pas valable, ou ne l’est plus. Demandez-en un autre.")
}

func readLimit(w *wish, v string) error {
	n, err := strconv.Atoi(v)
	if err != nil {
		return errLimit()
	}
	return w.setLimit(n)
}

func errLimit() error {
	return refuse("bad_limit", "limit must be a whole number from 1 to %d.", "limit doit être un nombre entier de 1 à %d.", maxLimit)
}

func (w *wish) setLimit(n int) error {
	if n < 1 || n > maxLimit {
		return errLimit()
	}
	w.limit = n
	return nil
}

func (w *wish) setText(v string) error {
	w.text = strings.Join(strings.Fields(strings.ToValidUTF8(v, " ")), " ")
	if len([]rune(w.text)) > maxText {
		return refuse("too_long", "q is longer than %d characters.", "q dépasse %d caractères.", maxText)
	}
	return nil
}

func (w *wish) setState(v string) error {
	switch s := core.State(v); s {
	case core.StatePublished, core.StateDraft, core.StateTrash:
		w.state = s
		return nil
	}
	return refuse("bad_state", "There is no state %s. The states are: published, draft, trash.",
		"Il n’y a pas d’état %s. Les états sont : published, draft, trash.", quote(v))
}

func (w *wish) setRichText(v string) error {
	switch v {
	case "json", "":
		w.richText = ""
	case "html", "text":
		w.richText = v
	default:
		return refuse("bad_richtext", "Rich text is delivered as json, html or text, not as %s.",
			"Le texte enrichi est livré en json, html ou text, pas en %s.", quote(v))
	}
	return nil
}

func flag(name, v string) (bool, error) {
	switch v {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, refuse("bad_"+name, "%s must be true or false.", "%s doit valoir true ou false.", name)
}

// appendItems splits at commas; blanks around names and empty names are no mistake.
func appendItems(items []string, v string) []string {
	items = slices.Grow(items, strings.Count(v, ",")+1)
	for item := range strings.SplitSeq(v, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

func numbers(name, v string) ([]float64, error) {
	out := []float64{}
	for item := range strings.SplitSeq(v, ",") {
		n, err := parseFloat(strings.TrimSpace(item))
		if err != nil || len(out) == 4 {
			return nil, errNumbers(name)
		}
		out = append(out, n)
	}
	return out, nil
}

func errNumbers(name string) error {
	if name == "near" {
		return refuse("bad_near", "near is lat,lon,metres: near=48.58,7.75,5000.",
			"near s’écrit lat,lon,mètres : near=48.58,7.75,5000.")
	}
	return refuse("bad_bbox", "bbox is west,south,east,north in degrees: bbox=7.0,47.5,7.9,48.3.",
		"bbox s’écrit ouest,sud,est,nord en degrés : bbox=7.0,47.5,7.9,48.3.")
}
