package geo

import (
	"context"
	"math"
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
	for i := range e.Type.Fields {
		f := &e.Type.Fields[i]
		if f.Territory == "" || f.Multi {
			continue
		}
		code, _ := stringAt(e.New, f.Path)
		if was, _ := stringAt(e.Old, f.Path); code == "" || code == was && !moved(e) {
			continue
		}
		g.checkCode(all, e, f, code)
	}
	return nil
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

func (g *geo) checkCode(all *gazetteer.Gazetteer, e *core.EntryEvent, f *core.Field, code string) {
	level, known := levelOf(e.New, f)
	if !known {
		return
	}
	t, ok := found(all, level, code)
	switch {
	case ok:
		complete(all, e, f, t)
		g.compare(all, e, f, t)
	case level == "" && len(all.Find(code)) > 1:
		e.Warnings = append(e.Warnings, odd(f, core.Say("%q is the code of several territories: say of which level it is.", "« %s » est le code de plusieurs territoires : précisez le niveau.", code)))
	case g.settings.Get().Checks.Codes == "warn" || level == "":
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
func complete(all *gazetteer.Gazetteer, e *core.EntryEvent, f *core.Field, t gazetteer.Territory) {
	for _, parent := range all.Parents(t) {
		for i := range e.Type.Fields {
			other := &e.Type.Fields[i]
			if other.Territory != string(parent.Level) || other.Multi || other.Path == f.Path || beside(other.Path, "") != beside(f.Path, "") {
				continue
			}
			if have, _ := jsondoc.Lookup(e.New, other.Path); have == nil {
				jsondoc.Set(e.New, other.Path, parent.Code)
			}
		}
	}
}

// compare warns of a point that is far from the territory of its entry: it may have been found in a place of the same name.
func (g *geo) compare(all *gazetteer.Gazetteer, e *core.EntryEvent, f *core.Field, t gazetteer.Territory) {
	field, ok := e.Type.Field(e.Type.GeoField)
	if !ok || field.Multi || t.Level == gazetteer.Region && hasNearer(e) {
		return
	}
	lon, lat, ok := pointAt(e.New, field.Path)
	if !ok {
		return
	}
	limit := float64(farKm)
	if s := g.settings.Get().Checks.FarKm; s != nil {
		limit = *s
	}
	metres, known := all.Distance(t.Level, t.Code, lon, lat)
	if !known || metres < limit*1000 {
		return
	}
	km := int(math.Round(metres / 1000))
	warning := odd(field, core.Say("This point lies %d km from %s.", "Ce point est à %d km de %s.", km, t.Name))
	warning.Keyword, warning.Params = "x-geo", map[string]any{"metres": int(metres), "level": t.Level, "code": t.Code}
	for _, have := range e.Warnings { // the nearest territory says it best
		if have.Keyword == warning.Keyword && have.Pointer == warning.Pointer {
			return
		}
	}
	e.Warnings = append(e.Warnings, warning)
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
