package query

import (
	"slices"
	"strconv"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// The canonical form of a request is a text, equal for requests that ask the same. Its first line says which entries are
// asked for and in which order, which is what a cursor belongs to; the second how they are shown.

func appendFirst(b []byte, a *core.Asked) []byte {
	b = appendText(b, "type", string(a.Type))
	b = appendText(b, "state", string(a.State))
	b = appendText(b, "locale", string(a.Locale))
	b = appendText(b, "q", a.Text)
	if a.Where != nil {
		b = append(b, " where="...)
		b = appendNode(b, a.Where)
	}
	b = append(b, " sort="...)
	for _, k := range a.Sort {
		if k.Desc {
			b = append(b, '-')
		}
		b = append(appendPath(b, k.Path), ',')
	}
	return appendGeo(b, a.Geo)
}

func appendSecond(b []byte, a *core.Asked, after string) []byte {
	b = append(b, "\nlimit="...)
	b = strconv.AppendInt(b, int64(a.Limit), 10)
	b = append(b, " total="...)
	b = strconv.AppendBool(b, a.Total)
	b = append(b, " highlight="...)
	b = strconv.AppendBool(b, a.Highlight)
	b = appendText(b, "after", after)
	b = appendText(b, "richtext", a.RichText)
	if len(a.Fields) > 0 {
		b = append(b, " fields="...)
		for _, f := range a.Fields {
			b = append(appendQuoted(b, f), ',')
		}
	}
	if len(a.Include) > 0 {
		b = appendIncludes(append(b, " include="...), a.Include)
	}
	if len(a.Facets) > 0 {
		b = append(b, " facets="...)
		for _, p := range a.Facets {
			b = append(appendPath(b, p), ',')
		}
	}
	return b
}

// appendText leaves out what is empty and quotes the rest: nothing that a caller writes can look like another part.
func appendText(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	b = append(b, ' ')
	b = append(append(b, name...), '=')
	return appendQuoted(b, value)
}

// appendQuoted is strconv.AppendQuote, quick where nothing is to be escaped.
func appendQuoted(b []byte, s string) []byte {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' || s[i] == '"' || s[i] == '\\' {
			return strconv.AppendQuote(b, s)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

func appendPath(b []byte, p core.Path) []byte {
	for _, via := range p.Via {
		b = append(append(b, via...), '>')
	}
	return append(b, p.Field...)
}

func appendIncludes(b []byte, tree []core.Include) []byte {
	b = append(b, '(')
	for _, i := range tree {
		b = append(b, i.Field...)
		if len(i.Next) > 0 {
			b = appendIncludes(b, i.Next)
		}
		b = append(b, ',')
	}
	return append(b, ')')
}

func appendNode(b []byte, n core.Node) []byte {
	switch n := n.(type) {
	case core.And:
		return appendNodes(append(b, "and"...), n)
	case core.Or:
		return appendNodes(append(b, "or"...), n)
	case core.Not:
		return append(appendNode(append(b, "not("...), n.Node), ')')
	case core.Compare:
		return appendCompare(b, n)
	}
	return b
}

// appendNodes sorts the parts and leaves out repetitions: order and repetition change nothing.
func appendNodes(b []byte, nodes []core.Node) []byte {
	parts := make([]string, len(nodes))
	for i, n := range nodes {
		parts[i] = string(appendNode(nil, n))
	}
	return appendParts(b, parts)
}

func appendParts(b []byte, parts []string) []byte {
	slices.Sort(parts)
	b = append(b, '(')
	for _, p := range slices.Compact(parts) {
		b = append(append(b, p...), ' ')
	}
	return append(b, ')')
}

func appendCompare(b []byte, c core.Compare) []byte {
	b = append(appendPath(b, c.Path), ':')
	b = append(append(b, c.Op...), ':')
	if len(c.Values) == 1 {
		return appendValue(b, c.Values[0])
	}
	if c.Op == core.OpBetween {
		return appendValue(append(appendValue(b, c.Values[0]), '~'), c.Values[1])
	}
	parts := make([]string, len(c.Values))
	for i, v := range c.Values {
		parts[i] = string(appendValue(nil, v))
	}
	return appendParts(b, parts)
}

func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return appendQuoted(b, v)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case float64:
		return strconv.AppendFloat(b, v, 'g', -1, 64)
	case bool:
		return strconv.AppendBool(b, v)
	case time.Time:
		return v.AppendFormat(b, time.RFC3339Nano)
	}
	return append(b, "null"...)
}

func appendGeo(b []byte, g *core.GeoFilter) []byte {
	if g == nil {
		return b
	}
	b = appendText(b, "geo", g.Field)
	if box := g.BBox; box != nil {
		b = appendFloats(append(b, " bbox="...), box.West, box.South, box.East, box.North)
	}
	if n := g.Near; n != nil {
		b = appendFloats(append(b, " near="...), n.Lat, n.Lon, n.Metres)
	}
	if t := g.Territory; t != nil {
		b = appendText(b, "within", t.Level+":"+t.Code)
	}
	return b
}

func appendFloats(b []byte, fs ...float64) []byte {
	for _, f := range fs {
		b = append(strconv.AppendFloat(b, f, 'g', -1, 64), ',')
	}
	return b
}
