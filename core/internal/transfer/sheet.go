package transfer

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"sort"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// sheet writes CSV: a column for each field that fits in a cell.
type sheet struct {
	csv     *csv.Writer
	columns []column
	row     []string
}

// column is one column: its name and how it reads its cell out of a document.
type column struct {
	name string
	cell func(doc map[string]any) string
}

// newSheet writes a byte order mark first: without one, spreadsheets take the accents for something else.
func newSheet(out io.Writer, t *core.Type) *sheet {
	s := &sheet{csv: csv.NewWriter(out), columns: columnsOf(t)}
	_, _ = out.Write(byteOrderMark) // a buffered writer: its error comes again when the row is written
	for _, c := range s.columns {
		s.row = append(s.row, guard(c.name))
	}
	_ = s.csv.Write(s.row)
	return s
}

func (s *sheet) write(doc map[string]any) error {
	for i, c := range s.columns {
		s.row[i] = c.cell(doc)
	}
	return s.csv.Write(s.row)
}

func (s *sheet) close() error {
	s.csv.Flush()
	return s.csv.Error()
}

// columnsOf gives the system's columns, the fields', and the translations'.
func columnsOf(t *core.Type) []column {
	var columns []column
	for _, name := range systemNames {
		columns = append(columns, plainColumn(name))
	}
	for i := range t.Fields {
		if f := &t.Fields[i]; inColumns(t, f.Path) {
			columns = append(columns, fieldColumns(t, f)...)
		}
	}
	if len(t.Locales) > 1 {
		columns = append(columns, plainColumn(core.DocTranslations))
	}
	return columns
}

// inColumns reports that a field has columns of its own: every object above it is a plain group.
func inColumns(t *core.Type, path string) bool {
	for i := strings.LastIndexByte(path, '.'); i >= 0; i = strings.LastIndexByte(path[:i], '.') {
		above, ok := t.Field(path[:i])
		if !ok || above.Kind != core.KindObject || above.Multi {
			return false
		}
	}
	return true
}

func fieldColumns(t *core.Type, f *core.Field) []column {
	switch {
	case f.Secret, isGroup(t, f):
		return nil
	case f.Kind == core.KindGeo && f.Geo == "point" && !f.Multi:
		return []column{coordinateColumn(f.Path, "lat", 1), coordinateColumn(f.Path, "lon", 0)}
	}
	return []column{plainColumn(f.Path)}
}

// isGroup reports an object whose members have columns of their own.
func isGroup(t *core.Type, f *core.Field) bool {
	if f.Kind != core.KindObject || f.Multi {
		return false
	}
	for i := range t.Fields {
		if strings.HasPrefix(t.Fields[i].Path, f.Path+".") {
			return true
		}
	}
	return false
}

func plainColumn(path string) column {
	return column{path, func(doc map[string]any) string {
		v, _ := jsondoc.Lookup(doc, path)
		return cell(v)
	}}
}

func coordinateColumn(path, name string, axis int) column {
	pointer := jsondoc.Pointer(append(strings.Split(path, "."), "coordinates", fmt.Sprint(axis))...)
	return column{path + "." + name, func(doc map[string]any) string {
		v, _ := at(doc, pointer)
		return cell(v)
	}}
}

// cell writes a value. Numbers stand as they are: a spreadsheet computes nothing of them.
func cell(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return guard(v)
	case json.Number, int64, bool:
		return fmt.Sprint(v)
	case []any:
		return listCell(v)
	case map[string]any:
		if ref := referenceCell(v); ref != "" {
			return ref
		}
	}
	return guard(string(jsondoc.Encode(v)))
}

// listCell joins plain values; a list that holds anything else, or the separator itself, is JSON.
func listCell(list []any) string {
	var items []string
	for _, item := range list {
		text, plain := plainItem(item)
		if !plain {
			return string(jsondoc.Encode(list))
		}
		items = append(items, text)
	}
	return guard(strings.Join(items, listSeparator))
}

func plainItem(v any) (text string, plain bool) {
	switch v := v.(type) {
	case string:
		return v, v != "" && v == strings.TrimSpace(v) && !strings.Contains(v, listSeparator) && !strings.HasPrefix(v, "[") && !strings.HasPrefix(v, "{")
	case json.Number, bool:
		return fmt.Sprint(v), true
	case map[string]any:
		ref := referenceCell(v)
		return ref, ref != ""
	}
	return "", false
}

// referenceCell writes a reference as type/identifier.
func referenceCell(v map[string]any) string {
	id, _ := v["_ref"].(string)
	name, _ := v["_type"].(string)
	if id == "" || name == "" || len(v) != 2 {
		return ""
	}
	return name + "/" + id
}

func top(path string) bool { return !strings.Contains(path, ".") }

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}
