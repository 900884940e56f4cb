package query

import (
	"encoding/json"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// readBody reads the same parameters from a JSON body: names are lists or text with commas, numbers numbers.
func readBody(body map[string]any) (*wish, error) {
	w := newWish()
	names := make([]string, 0, len(body))
	for name := range body {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if err := w.readMember(name, body[name]); err != nil {
			return nil, err
		}
	}
	return w, nil
}

func (w *wish) readMember(name string, v any) error {
	if v == nil {
		if find(name, listParameters) == nil {
			return unknown("parameter", name, parameterNames(listParameters))
		}
		return nil
	}
	switch name {
	case "filter":
		w.trees = append(w.trees, v)
		return nil
	case "sort", "fields", "include", "facets":
		return w.readItems(name, v)
	case "limit":
		return w.readNumber(v)
	case "total", "highlight":
		return w.readFlag(name, v)
	case "bbox", "near":
		return w.readNumbers(name, v)
	}
	return w.readText(name, v)
}

func (w *wish) readItems(name string, v any) error {
	var items []string
	switch v := v.(type) {
	case string:
		items = appendItems(nil, v)
	case []any:
		for _, item := range v {
			s, ok := item.(string)
			if !ok || strings.Contains(s, ",") {
				return refuse("bad_"+name, "%s is a list of names.", "%s est une liste de noms.", name)
			}
			items = appendItems(items, s)
		}
	default:
		return refuse("bad_"+name, "%s is a list of names.", "%s est une liste de noms.", name)
	}
	*map[string]*[]string{"sort": &w.sort, "fields": &w.fields, "include": &w.include, "facets": &w.facets}[name] = items
	return nil
}

func (w *wish) readNumber(v any) error {
	n, ok := v.(json.Number)
	if !ok {
		return errLimit()
	}
	i, err := strconv.Atoi(string(n))
	if err != nil {
		return errLimit()
	}
	return w.setLimit(i)
}

func (w *wish) readFlag(name string, v any) error {
	on, ok := v.(bool)
	if !ok {
		return refuse("bad_"+name, "%s must be true or false.", "%s doit valoir true ou false.", name)
	}
	if name == "total" {
		w.total = on
	} else {
		w.highlight = on
	}
	return nil
}

func (w *wish) readNumbers(name string, v any) (err error) {
	out := []float64{}
	switch v := v.(type) {
	case string:
		out, err = numbers(name, v)
	case []any:
		for _, item := range v {
			n, ok := item.(json.Number)
			f, wrong := parseFloat(string(n))
			if !ok || wrong != nil || len(out) == 4 {
				return errNumbers(name)
			}
			out = append(out, f)
		}
	default:
		err = errNumbers(name)
	}
	if name == "bbox" {
		w.place.bbox = out
	} else {
		w.place.near = out
	}
	return err
}

// readText reads the members that are text; their rules are those of the URL.
func (w *wish) readText(name string, v any) error {
	p := find(name, listParameters)
	if p == nil {
		return unknown("parameter", name, parameterNames(listParameters))
	}
	s, ok := v.(string)
	if !ok || !slices.Contains([]string{"q", "after", "locale", "state", "within", "geo", "richtext", "preview"}, name) {
		return refuse("bad_"+name, "%s must be text.", "%s doit être un texte.", name)
	}
	return p.read(w, s)
}
