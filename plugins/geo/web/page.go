package web

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/url"
	"strings"
	"sync"
)

//go:embed pages
var pageFiles embed.FS

var pageTemplate = sync.OnceValues(func() (*template.Template, error) {
	return template.ParseFS(pageFiles, "pages/*.html")
})

// Page gives the HTML of the page. It is the whole answer to a browser without scripts, and what the scripts begin with.
func Page(d PageData) ([]byte, error) {
	t, err := pageTemplate()
	if err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "page", newPage(d)); err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	return b.Bytes(), nil
}

// page is what the templates are given.
type page struct {
	PageData
	Layer  Layer // the one that is shown
	Chips  []chip
	Hidden []hidden // what the form sends along
}

// chip is a chosen filter and the address of the page without it.
type chip struct{ Label, URL string }

type hidden struct{ Name, Value string }

func newPage(d PageData) page {
	if d.Lang != "en" {
		d.Lang = "fr"
	}
	if d.Start == (Position{}) {
		d.Start = Metropole
	}
	p := page{PageData: d, Layer: chosen(d)}
	p.Chips, p.Hidden = p.chips(), p.hiddenFields()
	return p
}

// chosen is the layer of the state, else the first.
func chosen(d PageData) Layer {
	for _, l := range d.Layers {
		if l.Name == d.State.Layer {
			return l
		}
	}
	if len(d.Layers) > 0 {
		return d.Layers[0]
	}
	return Layer{}
}

// Say gives a text of the page.
func (p page) Say(name string) string { return say(p.Lang, name) }

// Asset is the address of a script or a style.
func (p page) Asset(name string) string { return asset(name) }

// Modules are the scripts that main.js loads, for the browser to fetch at once.
func (p page) Modules() []string {
	return []string{"state.js", "api.js", "style.js", "map.js", "popup.js", "list.js", "filters.js", "search.js", "territories.js", "frame.js"}
}

// Path is the address of the page without parameters.
func (p page) Path() string {
	if p.Embed {
		return "/map/embed"
	}
	return "/map"
}

// Address is the address of the page in another state.
func (p page) Address(s State) string { return p.address(p.Path(), s, p.language()) }

func (p page) language() string {
	if p.Explicit {
		return p.Lang
	}
	return ""
}

func (p page) address(path string, s State, lang string) string {
	params := s.Values()
	set(params, "lang", lang)
	if len(params) == 0 {
		return path
	}
	return path + "?" + params.Encode()
}

// Large is the address of the page outside of a frame.
func (p page) Large() string { return p.address("/map", p.State, p.language()) }

// In is the address of the page in another language.
func (p page) In(lang string) string { return p.address(p.Path(), p.State, lang) }

// FirstURL is the address of the first page of the list; empty there.
func (p page) FirstURL() string {
	if p.State.After == "" {
		return ""
	}
	s := p.State
	s.After = ""
	return p.Address(s)
}

// NextURL is the address of the next page of the list; empty on the last.
func (p page) NextURL() string {
	if p.Next == "" {
		return ""
	}
	s := p.State
	s.After = p.Next
	return p.Address(s)
}

// ClearURL is the address of the page without filters.
func (p page) ClearURL() string {
	return p.Address(State{Layer: p.State.Layer, View: p.State.View, Overlays: p.State.Overlays})
}

// HomeURL is the address of the site.
func (p page) HomeURL() string {
	if p.Explicit {
		return "/?lang=" + url.QueryEscape(p.Lang)
	}
	return "/"
}

// Counted is how many entries there are, in words.
func (p page) Counted() string {
	switch {
	case p.Total < 0:
		return ""
	case p.Total == 1:
		return p.Say("one")
	}
	return p.Number(p.Total) + " " + p.Say("some")
}

// Number writes a number with thousands apart, as the language does.
func (p page) Number(n int64) string {
	digits, between := fmt.Sprint(n), "\u202f"
	if p.Lang == "en" {
		between = ","
	}
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + between + digits[at:]
	}
	return digits
}

// Chosen reports whether a filter is on.
func (p page) Chosen(field, value string) bool {
	for _, v := range p.State.Filters[field] {
		if v == value {
			return true
		}
	}
	return false
}

// ChosenIn counts the values of a field that are chosen; "" when none is.
func (p page) ChosenIn(field string) string {
	if n := len(p.State.Filters[field]); n > 0 {
		return fmt.Sprint(n)
	}
	return ""
}

// Drawn reports whether an overlay is on.
func (p page) Drawn(name string) bool {
	for _, o := range p.State.Overlays {
		if o == name {
			return true
		}
	}
	return false
}

// ByLevel is the heading of the counts.
func (p page) ByLevel() string { return p.Say(p.State.View + "s") }

// Within is the address of the page inside of a territory of the counts.
func (p page) Within(code string) string {
	s := p.State
	s.Within, s.View, s.After = p.State.View+":"+code, "", ""
	return p.Address(s)
}

func (p page) chips() []chip {
	var chips []chip
	if s := p.State; s.Query != "" {
		label := strings.Replace(p.Say("quoted"), "%q", s.Query, 1)
		s.Query, s.After = "", ""
		chips = append(chips, chip{label, p.Address(s)})
	}
	if s := p.State; s.Within != "" {
		label := p.WithinLabel
		if label == "" {
			label = s.Within
		}
		s.Within, s.After = "", ""
		chips = append(chips, chip{label, p.Address(s)})
	}
	for _, field := range p.State.fields() {
		for _, v := range p.State.Filters[field] {
			chips = append(chips, chip{p.valueLabel(field, v), p.Address(p.State.without(field, v))})
		}
	}
	return chips
}

func (p page) valueLabel(field, value string) string {
	for _, f := range p.Layer.Facets {
		for _, v := range f.Values {
			if f.Field == field && v.Value == value {
				return v.Label
			}
		}
	}
	return value
}

// hiddenFields keep what the form has no control for.
func (p page) hiddenFields() []hidden {
	kept := p.State.Values()
	for _, name := range []string{"layer", "q", "view", "after", "area", "overlay"} {
		kept.Del(name)
	}
	for _, f := range p.Layer.Facets {
		kept.Del("filter[" + f.Field + "]")
	}
	set(kept, "lang", p.language())
	if len(p.Layers) < 2 {
		set(kept, "layer", p.State.Layer)
	}
	var all []hidden
	for _, pair := range strings.Split(kept.Encode(), "&") {
		name, value, _ := strings.Cut(pair, "=")
		name, _ = url.QueryUnescape(name) // as Encode wrote them
		value, _ = url.QueryUnescape(value)
		if name != "" {
			all = append(all, hidden{name, value})
		}
	}
	return all
}

// Config is what the scripts are told, as JSON.
func (p page) Config() (string, error) {
	words := map[string]string{}
	for name := range texts {
		words[name] = p.Say(name)
	}
	text, err := json.Marshal(map[string]any{
		"known": p.known(), "lang": p.Lang, "explicit": p.Explicit, "embed": p.Embed, "path": p.Path(), "style": p.Style, "start": p.Start, "pageSize": PageSize,
		"worker": asset("maplibre-worker.js"), "words": words, "withinLabel": p.WithinLabel, "overlays": p.overlayNames(),
		"layer": map[string]any{"name": p.Layer.Name, "list": p.Layer.List, "entry": p.Layer.Entry, "params": p.Layer.Params.Encode(),
			"title": p.Layer.TitleField, "place": p.Layer.PlaceField, "slug": p.Layer.SlugField, "geo": p.Layer.GeoField},
	})
	return string(text), err
}

// known is the address of what is shown where another was asked for: the scripts go on from there.
func (p page) known() string {
	if len(p.Unknown) == 0 {
		return ""
	}
	return p.Address(p.State)
}

// LeftOut names what is unknown, as the address has it.
func (p page) LeftOut() string { return strings.Join(p.Unknown, ", ") }

func (p page) overlayNames() []string {
	names := []string{}
	for _, o := range p.Overlays {
		names = append(names, o.Name)
	}
	return names
}
