package web

import (
	"encoding/json"
	"net/url"
	"slices"
	"sort"
	"strings"
)

// State is what an address of the page asks for. The script state.js reads and writes the same.
type State struct {
	Layer    string              // layer
	Query    string              // q
	Filters  map[string][]string // filter[field], any number of times: entries with any of the values of each field
	Fixed    url.Values          // filter[field][op] with another operator than in: whoever made the link wants it so
	Within   string              // within: a territory, as level:code
	View     string              // view: "" for points, or the level of the territories that are coloured
	Area     bool                // area=1: the list holds what the map shows; for the script alone
	Overlays []string            // overlay, any number of times: layers drawn beside the chosen one
	After    string              // after: the cursor of the page before
}

// Levels are the views that colour territories.
var Levels = []string{"departement", "region"}

// ParseState reads the parameters of an address. What it does not know it leaves out; empty values, which a form sends
// for what was left open, are none.
func ParseState(params url.Values) State {
	s := State{Layer: params.Get("layer"), Query: strings.TrimSpace(params.Get("q")), Within: params.Get("within"),
		Area: params.Get("area") == "1", Overlays: filled(params["overlay"]), After: params.Get("after"), Filters: map[string][]string{}, Fixed: url.Values{}}
	if v := params.Get("view"); slices.Contains(Levels, v) {
		s.View = v
	}
	for name, values := range params {
		s.filter(name, filled(values))
	}
	return s
}

func filled(values []string) []string {
	return slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == "" })
}

func (s *State) filter(name string, values []string) {
	inner, ok := strings.CutPrefix(name, "filter[")
	inner, closed := strings.CutSuffix(inner, "]")
	if !ok || !closed || len(values) == 0 {
		return
	}
	field, op, _ := strings.Cut(inner, "][")
	switch op {
	case "", "eq":
		s.Filters[field] = append(s.Filters[field], values...)
	case "in":
		s.Filters[field] = append(s.Filters[field], filled(strings.Split(strings.Join(values, ","), ","))...)
	default:
		s.Fixed[name] = values
	}
	sort.Strings(s.Filters[field])
}

// Asked are the parameters that lists, tiles and counts of the layer take for this state.
func (s State) Asked() url.Values {
	params := url.Values{}
	for name, values := range s.Fixed {
		params[name] = values
	}
	set(params, "q", s.Query)
	set(params, "within", s.Within)
	var trees []any
	for _, field := range s.fields() {
		values := s.Filters[field]
		switch {
		case len(values) == 1:
			params.Set("filter["+field+"]", values[0])
		case strings.Contains(strings.Join(values, ""), ","): // a list with commas cannot say it
			trees = append(trees, map[string]any{field: map[string]any{"in": values}})
		default:
			params.Set("filter["+field+"][in]", strings.Join(values, ","))
		}
	}
	if len(trees) > 0 {
		text, _ := json.Marshal(map[string]any{"and": trees}) // texts and lists of them: there is no way to fail
		params.Set("filter", string(text))
	}
	return params
}

func (s State) fields() []string {
	var fields []string
	for field, values := range s.Filters {
		if len(values) > 0 {
			fields = append(fields, field)
		}
	}
	sort.Strings(fields)
	return fields
}

// Known is the state without filters on fields that are not known, and the names of those: a link may be old, and when someone
// without scripts chooses another layer, the address still has the filters of the one before.
func (s State) Known(known func(field string) bool) (State, []string) {
	filters, fixed := map[string][]string{}, url.Values{}
	var unknown []string
	for field, values := range s.Filters {
		if known(field) {
			filters[field] = values
		} else {
			unknown = append(unknown, "filter["+field+"]")
		}
	}
	for name, values := range s.Fixed {
		if field, _, _ := strings.Cut(strings.TrimPrefix(name, "filter["), "]"); known(field) {
			fixed[name] = values
		} else {
			unknown = append(unknown, name)
		}
	}
	s.Filters, s.Fixed = filters, fixed
	sort.Strings(unknown)
	return s, unknown
}

// Values are the parameters of the page's address: ParseState reads them back.
func (s State) Values() url.Values {
	params := url.Values{}
	for name, values := range s.Fixed {
		params[name] = values
	}
	for _, field := range s.fields() {
		params["filter["+field+"]"] = s.Filters[field]
	}
	for name, v := range map[string]string{"layer": s.Layer, "q": s.Query, "within": s.Within, "view": s.View, "after": s.After} {
		set(params, name, v)
	}
	if s.Area {
		params.Set("area", "1")
	}
	if len(s.Overlays) > 0 {
		params["overlay"] = s.Overlays
	}
	return params
}

func set(params url.Values, name, value string) {
	if value != "" {
		params.Set(name, value)
	}
}

// without is the state with one filter less, from the first page on.
func (s State) without(field, value string) State {
	filters := map[string][]string{}
	for f, values := range s.Filters {
		filters[f] = slices.DeleteFunc(slices.Clone(values), func(v string) bool { return f == field && v == value })
	}
	s.Filters, s.After = filters, ""
	return s
}
