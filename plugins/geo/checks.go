package geo

import (
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/hook"
	"github.com/palabre-cms/palabre/core/jsondoc"
	"github.com/palabre-cms/palabre/core/plugin"
	"github.com/palabre-cms/palabre/plugins/geo/internal/gazetteer"
)

// checks say how codes and places are looked at when something is written.
type checks struct {
	Codes string   `json:"codes"` // "refuse", "warn" or "off"
	FarKm *float64 `json:"farKm"`
}

// farKm is how far from its territory a point is odd, where the settings do not say otherwise.
const farKm = 5

// registerChecks has territories' codes checked against the gazetteer, completed from it, and points compared with them.
func (g *geo) registerChecks(r *plugin.Registry) error {
	return plugin.Before(r, plugin.EntryValidate, g.check, plugin.Named("territories"), plugin.AtStage(hook.Normalize), plugin.OnlyFor(hasTerritory), plugin.Within(checkWithin))
}

// checkWithin is long enough for the first write after a start, which may have to wait until the gazetteer is loaded.
const checkWithin = 5 * time.Second

func hasTerritory(t *core.Type) bool {
	for i := range t.Fields {
		if t.Fields[i].Territory != "" {
			return true
		}
	}
	return false
}

// check looks at the codes that an edit brings. What stood there before is let be: the gazetteer may have changed since.
func (g *geo) check(_ context.Context, e *core.EntryEvent) error {
	if e.New == nil || g.settings.Get().Checks.Codes == "off" {
		return nil
	}
	all, err := g.gazetteer()
	if err != nil {
		return err
	}
	c := checking{geo: g, all: all, e: e}
	for i := range e.Type.Fields {
		f := &e.Type.Fields[i]
		if f.Territory == "" || f.Multi || slices.Contains(c.filled, f.Path) {
			continue
		}
		code, _ := stringAt(e.New, f.Path)
		if was, _ := stringAt(e.Old, f.Path); code == "" || code == was && !moved(e) {
			continue
		}
		c.code(f, code)
	}
	return nil
}

// checking is a look at one entry.
type checking struct {
	*geo
	all    *gazetteer.Gazetteer
	e      *core.EntryEvent
	filled []string        // fields that were filled in: there is nothing to look at
	near   []gazetteer.Ref // territories that the point was found in or close to: it is in what they lie in too
	at     *place
}

// place is the entry's point, if it has one.
type place struct {
	field    *core.Field
	lon, lat float64
	known    bool
}

// moved reports whether the entry's point is another one.
func moved(e *core.EntryEvent) bool {
	if e.Type.GeoField == "" {
		return false
	}
	was, _ := jsondoc.Lookup(e.Old, e.Type.GeoField)
	is, _ := jsondoc.Lookup(e.New, e.Type.GeoField)
	return !jsondoc.Equal(was, is)
}

func stringAt(doc map[string]any, path string) (string, bool) {
	v, _ := jsondoc.Lookup(doc, path)
	s, ok := v.(string)
	return s, ok
}

// code looks at one code.
func (c *checking) code(f *core.Field, code string) {
	all, e := c.all, c.e
	level, known := levelOf(e.New, f)
	if !known {
		return
	}
	t, ok := found(all, level, code)
	switch {
	case ok:
		c.complete(f, t)
		c.compare(t)
	case level == "" && len(all.Find(code)) > 1:
		e.Warnings = append(e.Warnings, odd(f, core.Say("%q is the code of several territories: say of which level it is.", "« %s » est le code de plusieurs territoires : précisez le niveau.", code)))
	case c.settings.Get().Checks.Codes == "warn" || level == "":
		e.Warnings = append(e.Warnings, odd(f, nothingAt(all, level, code)))
	default:
		e.Errors = append(e.Errors, odd(f, nothingAt(all, level, code)))
	}
}

// levelOf is the level that a code is of: the field's own or, where that may be any, the one in the field "level" beside it.
// It is not known for levels that the gazetteer has not.
func levelOf(doc map[string]any, f *core.Field) (level gazetteer.Level, known bool) {
	if f.Territory != "any" {
		_, err := levelNamed(f.Territory)
		return gazetteer.Level(f.Territory), err == nil
	}
	said, ok := stringAt(doc, beside(f.Path, "level"))
	if !ok {
		return "", true
	}
	level, err := levelNamed(said)
	return level, err == nil
}

func found(all *gazetteer.Gazetteer, level gazetteer.Level, code string) (gazetteer.Territory, bool) {
	if level != "" {
		return all.Lookup(level, code)
	}
	if list := all.Find(code); len(list) == 1 {
		return list[0], true
	}
	return gazetteer.Territory{}, false
}

// beside is the path of a field in the same object as another.
func beside(path, name string) string {
	if at := strings.LastIndexByte(path, '.'); at >= 0 {
		return path[:at+1] + name
	}
	return name
}

// odd is a finding at a field.
func odd(f *core.Field, text core.Text) core.FieldError {
	return core.FieldError{Pointer: jsondoc.Pointer(strings.Split(f.Path, ".")...), Keyword: "x-territory", Message: text["en"], Texts: text}
}

// nothingAt says that a code is none, and which was probably meant.
func nothingAt(all *gazetteer.Gazetteer, level gazetteer.Level, code string) core.Text {
	for _, s := range all.Suggest(level, code) {
		return core.Say("There is no territory with the code %[1]q here. Did you mean %[2]s (%[3]s)?", "Aucun territoire n’a ici le code « %[1]s ». Vouliez-vous dire %[2]s (%[3]s) ?",
			clipped(code), s.Territory.Code, s.Territory.Name)
	}
	return core.Say("There is no territory with the code %q here.", "Aucun territoire n’a ici le code « %s ».", clipped(code))
}

// complete fills in what the territory lies in, in the same object, where nothing stands yet.
func (c *checking) complete(f *core.Field, t gazetteer.Territory) {
	e := c.e
	var parents []gazetteer.Territory
	for i := range e.Type.Fields {
		other := &e.Type.Fields[i]
		if other.Territory == "" || other.Multi || other.Path == f.Path || beside(other.Path, "") != beside(f.Path, "") {
			continue
		}
		if have, _ := jsondoc.Lookup(e.New, other.Path); have != nil {
			continue
		}
		if parents == nil {
			parents = c.all.Parents(t)
		}
		at := slices.IndexFunc(parents, func(p gazetteer.Territory) bool { return string(p.Level) == other.Territory })
		if at >= 0 {
			jsondoc.Set(e.New, other.Path, parents[at].Code)
			c.filled = append(c.filled, other.Path)
		}
	}
}

// compare warns of a point that is far from the territory of its entry: it may have been found in a place of the same name.
func (c *checking) compare(t gazetteer.Territory) {
	e, at := c.e, c.point()
	if !at.known || t.Level == gazetteer.Region && hasNearer(e) || slices.ContainsFunc(c.near, func(n gazetteer.Ref) bool { return c.all.Inside(n, t.Ref()) }) {
		return
	}
	limit := float64(farKm)
	if s := c.settings.Get().Checks.FarKm; s != nil {
		limit = *s
	}
	metres, known := c.all.Distance(t.Level, t.Code, at.lon, at.lat)
	if !known {
		return
	}
	if metres < limit*1000 {
		c.near = append(c.near, t.Ref())
		return
	}
	km := int(math.Round(metres / 1000))
	warning := odd(at.field, core.Say("This point lies %d km from %s.", "Ce point est à %d km de %s.", km, t.Name))
	warning.Keyword, warning.Params = "x-geo", map[string]any{"metres": int(metres), "level": t.Level, "code": t.Code}
	for _, have := range e.Warnings { // the nearest territory says it best
		if have.Keyword == warning.Keyword && have.Pointer == warning.Pointer {
			return
		}
	}
	e.Warnings = append(e.Warnings, warning)
}

// point reads where the entry is.
func (c *checking) point() *place {
	if c.at != nil {
		return c.at
	}
	c.at = &place{}
	if f, ok := c.e.Type.Field(c.e.Type.GeoField); ok && !f.Multi {
		c.at.field = f
		c.at.lon, c.at.lat, c.at.known = pointAt(c.e.New, f.Path)
	}
	return c.at
}

// hasNearer reports whether an entry names a smaller territory than a région.
func hasNearer(e *core.EntryEvent) bool {
	for i := range e.Type.Fields {
		f := &e.Type.Fields[i]
		if f.Territory == "" || f.Territory == string(gazetteer.Region) || f.Multi {
			continue
		}
		if code, _ := stringAt(e.New, f.Path); code != "" {
			return true
		}
	}
	return false
}

func pointAt(doc map[string]any, path string) (lon, lat float64, ok bool) {
	v, _ := jsondoc.Lookup(doc, path)
	place, _ := v.(map[string]any)
	if place == nil || place["type"] != "Point" {
		return 0, 0, false
	}
	return position(jsondoc.Encode(map[string]any{"c": place["coordinates"]})[len(`{"c":`):])
}
