package transfer

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// listSeparator joins the values of a list in a cell.
const listSeparator = "|"

// columns turns the rows of a CSV file into documents.
type columns struct {
	header  []string
	mapping *Mapping
}

// document reads a row. A cell that does not fit its field stays text, for the type to refuse with the place.
func (c *columns) document(t *core.Type, cells []string) map[string]any {
	doc := map[string]any{}
	for i, name := range c.header {
		if i >= len(cells) || cells[i] == "" {
			continue
		}
		if path, keep := c.mapping.field(strings.TrimSpace(name)); keep {
			c.set(doc, t, path, unguard(cells[i]))
		}
	}
	return doc
}

func (c *columns) set(doc map[string]any, t *core.Type, path, cell string) {
	if point, axis, ok := coordinate(t, path); ok {
		setCoordinate(doc, point, axis, number(cell))
		return
	}
	f, ok := t.Field(path)
	switch {
	case !ok && strings.HasPrefix(path, core.DocTranslations):
		jsondoc.Set(doc, path, maybeJSON(cell))
	case !ok:
		jsondoc.Set(doc, path, cell)
	case f.Multi && !strings.HasPrefix(cell, "[") && !strings.HasPrefix(cell, "{"):
		jsondoc.Set(doc, path, c.items(f, cell))
	case f.Multi:
		jsondoc.Set(doc, path, maybeJSON(cell))
	default:
		jsondoc.Set(doc, path, cellValue(f, cell))
	}
}

func (c *columns) items(f *core.Field, cell string) []any {
	items := []any{}
	for item := range strings.SplitSeq(cell, c.mapping.separator(f.Path)) {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, cellValue(f, item))
		}
	}
	return items
}

// coordinate reports that a column is half of a point: location.lat, location.lon.
func coordinate(t *core.Type, path string) (point string, axis int, ok bool) {
	for axis, name := range []string{".lon", ".lat"} {
		if point, ok = strings.CutSuffix(path, name); ok {
			if f, found := t.Field(point); found && f.Kind == core.KindGeo {
				return point, axis, true
			}
		}
	}
	return "", 0, false
}

func setCoordinate(doc map[string]any, point string, axis int, v any) {
	geometry, _ := jsondoc.Lookup(doc, point)
	g, ok := geometry.(map[string]any)
	if !ok {
		g = map[string]any{"type": "Point", "coordinates": []any{nil, nil}}
		jsondoc.Set(doc, point, g)
	}
	g["coordinates"].([]any)[axis] = v
}

// cellValue reads one value as its field wants it.
func cellValue(f *core.Field, cell string) any {
	if v, ok := enumValue(f, cell); ok {
		return v
	}
	switch f.Kind {
	case core.KindInteger, core.KindNumber:
		return number(cell)
	case core.KindBoolean:
		return truth(cell)
	case core.KindRef:
		return reference(f, cell)
	case core.KindMedia:
		return medium(cell)
	case core.KindDate:
		return date(cell)
	case core.KindGeo, core.KindRichText, core.KindObject, core.KindJSON:
		return maybeJSON(cell)
	}
	return cell
}

// enumValue finds a value of a vocabulary by itself or by its label.
func enumValue(f *core.Field, cell string) (any, bool) {
	for _, e := range f.Enum {
		if fmt.Sprint(e.Value) == cell {
			return e.Value, true
		}
	}
	folded := fold(cell)
	for _, e := range f.Enum {
		for _, label := range e.Label {
			if fold(label) == folded {
				return e.Value, true
			}
		}
	}
	return nil, false
}

var (
	plainNumber  = regexp.MustCompile(`^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$`)
	frenchNumber = regexp.MustCompile(`^-?\d{1,3}([ \x{a0}\x{202f}]?\d{3})*(,\d+)?$`)
	frenchBlanks = strings.NewReplacer(" ", "", "\u00a0", "", "\u202f", "", ",", ".")
	frenchDate   = regexp.MustCompile(`^(\d{2})/(\d{2})/(\d{4})$`)
)

// number reads 1234.5 and 1 234,5 alike.
func number(cell string) any {
	cell = strings.TrimSpace(cell)
	if plainNumber.MatchString(cell) {
		return json.Number(cell)
	}
	if frenchNumber.MatchString(cell) {
		if n := frenchBlanks.Replace(cell); plainNumber.MatchString(n) {
			return json.Number(n)
		}
	}
	return cell
}

func truth(cell string) any {
	switch fold(cell) {
	case "true", "yes", "oui", "vrai", "1", "x":
		return true
	case "false", "no", "non", "faux", "0":
		return false
	}
	return cell
}

// date reads 2026-12-31 and 31/12/2026 alike.
func date(cell string) any {
	if m := frenchDate.FindStringSubmatch(cell); m != nil {
		return m[3] + "-" + m[2] + "-" + m[1]
	}
	return cell
}

// reference reads an identifier, a slug, or type/slug.
func reference(f *core.Field, cell string) any {
	if strings.HasPrefix(cell, "{") {
		return maybeJSON(cell)
	}
	name, key, both := strings.Cut(cell, "/")
	if !both {
		name, key = "", cell
		if f.Ref != nil && len(f.Ref.Types) > 0 {
			name = string(f.Ref.Types[0])
		}
	}
	if core.ValidID(key) {
		return map[string]any{"_ref": key, "_type": name}
	}
	return map[string]any{"_slug": key, "_type": name}
}

func medium(cell string) any {
	if core.ValidID(cell) {
		return map[string]any{"_media": cell}
	}
	return maybeJSON(cell)
}

// maybeJSON reads JSON, or leaves text that is not.
func maybeJSON(cell string) any {
	if strings.HasPrefix(cell, "{") || strings.HasPrefix(cell, "[") {
		if v, err := jsondoc.Decode([]byte(cell), jsondoc.Default); err == nil {
			return v
		}
	}
	return cell
}

// formula is text that a spreadsheet would run, behind any number of apostrophes: those are part of the text.
var formula = regexp.MustCompile(`^'*[=+@\t\r\n-]`)

// guard puts an apostrophe before text that a spreadsheet would run.
func guard(cell string) string {
	if formula.MatchString(cell) {
		return "'" + cell
	}
	return cell
}

// unguard takes guard's apostrophe away.
func unguard(cell string) string {
	if strings.HasPrefix(cell, "'") && formula.MatchString(cell) {
		return cell[1:]
	}
	return cell
}
