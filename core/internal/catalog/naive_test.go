package catalog

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/folding"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// naive answers queries by looking at every document, one after another. It is what the catalog is compared with.
type naive struct {
	w      *world
	state  core.State
	locale core.Locale
}

// seen is an entry as readers of a state see it.
type seen struct {
	view  core.View
	entry *core.Entry
	doc   map[string]any
}

func (n naive) one(id core.EntryID) (*seen, bool) {
	e, ok := n.w.entries[id]
	if !ok {
		return nil, false
	}
	e = e.At(n.w.now())
	v, ok := e.View(n.state)
	if !ok {
		return nil, false
	}
	doc, err := jsondoc.ParseObject(v.Doc)
	if err != nil {
		n.w.t.Fatal(err)
	}
	if t, ok := n.w.types.Type(e.Type); ok {
		doc, _ = t.Localize(doc, n.locale)
	}
	return &seen{view: v, entry: e, doc: doc}, true
}

func (n naive) all(name core.TypeName) []*seen {
	var list []*seen
	for id, e := range n.w.entries {
		if e.Type != name {
			continue
		}
		if s, ok := n.one(id); ok {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b *seen) int { return strings.Compare(string(a.view.ID), string(b.view.ID)) })
	return list
}

func (n naive) beyond() naive {
	if n.state == core.StateTrash {
		n.state = core.StateDraft
	}
	return n
}

// values gives the distinct values at a path, comparable: string, float64, bool, time.Time.
func (n naive) values(s *seen, p core.Path) []any {
	if len(p.Via) > 0 {
		return n.through(s, p)
	}
	var out []any
	for _, v := range n.plain(s, p.Field) {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

func (n naive) through(s *seen, p core.Path) []any {
	var out []any
	for _, v := range n.values(s, core.Path{Field: p.Via[0]}) {
		t, ok := n.beyond().one(core.EntryID(v.(string)))
		if !ok || !n.allowed(s, p, t) {
			continue
		}
		for _, v := range n.beyond().values(t, rest(p)) {
			if !slices.Contains(out, v) {
				out = append(out, v)
			}
		}
	}
	return out
}

func (n naive) allowed(s *seen, p core.Path, t *seen) bool {
	from, _ := n.w.types.Type(s.entry.Type)
	f, _ := from.Field(p.Via[0])
	if !slices.Contains(f.Ref.Types, t.entry.Type) {
		return false
	}
	if p.Steps == nil {
		return true
	}
	node, ok := p.Steps[0][t.entry.Type]
	return ok && n.beyond().holds(t, node)
}

func (n naive) plain(s *seen, path string) []any {
	v := s.view
	switch path {
	case "_id":
		return []any{string(v.ID)}
	case "_type":
		return []any{string(v.Type)}
	case "_rev":
		return []any{float64(v.Rev)}
	case "_status":
		return []any{string(v.Status)}
	case "_createdBy", "_updatedBy":
		by := v.CreatedBy
		if path == "_updatedBy" {
			by = v.UpdatedBy
		}
		if by == "" {
			return nil
		}
		return []any{by}
	case "_createdAt", "_updatedAt", "_publishedAt":
		t := map[string]time.Time{"_createdAt": v.CreatedAt, "_updatedAt": v.UpdatedAt, "_publishedAt": v.PublishedAt}[path]
		if t.IsZero() {
			return nil
		}
		return []any{t.UTC()}
	}
	typ, _ := n.w.types.Type(s.entry.Type)
	f, _ := typ.Field(path)
	var out []any
	for _, raw := range jsondoc.Values(s.doc, path) {
		if v, ok := naiveValue(f.Kind, raw); ok {
			out = append(out, v)
		}
	}
	return out
}

func naiveValue(kind core.Kind, raw any) (any, bool) {
	switch kind {
	case core.KindString:
		s, ok := raw.(string)
		return s, ok
	case core.KindBoolean:
		b, ok := raw.(bool)
		return b, ok
	case core.KindInteger, core.KindNumber:
		f, err := raw.(json.Number).Float64()
		return f, err == nil
	case core.KindTime:
		t, err := time.Parse(time.RFC3339Nano, raw.(string))
		return t.UTC(), err == nil
	case core.KindDate:
		t, err := time.Parse(time.DateOnly, raw.(string))
		return t.UTC(), err == nil
	case core.KindRef:
		id, ok := raw.(map[string]any)["_ref"].(string)
		return id, ok
	}
	return "present", true
}

var frenchKeys sync.Map

// frenchKey makes a collator for each string, since one must not be shared, and keeps what it gave.
func frenchKey(s string) string {
	if key, ok := frenchKeys.Load(s); ok {
		return key.(string)
	}
	var buf collate.Buffer
	key := string(collate.New(language.French).KeyFromString(&buf, s))
	frenchKeys.Store(s, key)
	return key
}

func naiveCompare(a, b any, bytes bool) int {
	switch a := a.(type) {
	case string:
		if bytes {
			return strings.Compare(a, b.(string))
		}
		return cmp.Or(strings.Compare(frenchKey(a), frenchKey(b.(string))), strings.Compare(a, b.(string)))
	case float64:
		return cmp.Compare(a, b.(float64))
	case time.Time:
		return a.Compare(b.(time.Time))
	case bool:
		return cmp.Compare(boolKey(a), boolKey(b.(bool)))
	}
	return 0
}

func normal(v any) any {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case time.Time:
		return v.UTC()
	}
	return v
}

func (n naive) holds(s *seen, node core.Node) bool {
	switch node := node.(type) {
	case nil:
		return true
	case core.And:
		return !slices.ContainsFunc(node, func(x core.Node) bool { return !n.holds(s, x) })
	case core.Or:
		return slices.ContainsFunc(node, func(x core.Node) bool { return n.holds(s, x) })
	case core.Not:
		return !n.holds(s, node.Node)
	}
	return n.compare(s, node.(core.Compare))
}

func (n naive) compare(s *seen, c core.Compare) bool {
	have := n.values(s, c.Path)
	some := func(f func(v any) bool) bool { return slices.ContainsFunc(have, f) }
	equal := func(v any) bool {
		return slices.ContainsFunc(c.Values, func(w any) bool { return normal(w) == v })
	}
	absent := slices.Contains(c.Values, any(nil)) && len(have) == 0
	bytes := c.Path.Field == "_id" || c.Path.Field == "partner"
	order := func(i int, v any) int { return naiveCompare(v, normal(c.Values[i]), bytes) }
	switch c.Op {
	case core.OpEq, core.OpIn:
		return absent || some(equal)
	case core.OpNe, core.OpNin:
		return !(absent || some(equal))
	case core.OpExists:
		return (len(have) > 0) == c.Values[0].(bool)
	case core.OpLt:
		return some(func(v any) bool { return order(0, v) < 0 })
	case core.OpLte:
		return some(func(v any) bool { return order(0, v) <= 0 })
	case core.OpGt:
		return some(func(v any) bool { return order(0, v) > 0 })
	case core.OpGte:
		return some(func(v any) bool { return order(0, v) >= 0 })
	case core.OpBetween:
		return some(func(v any) bool { return order(0, v) >= 0 && order(1, v) <= 0 })
	case core.OpContains:
		return some(func(v any) bool {
			return strings.Contains(folding.Fold(v.(string)), folding.Fold(c.Values[0].(string)))
		})
	case core.OpPrefix:
		return some(func(v any) bool {
			return strings.HasPrefix(folding.Fold(v.(string)), folding.Fold(c.Values[0].(string)))
		})
	}
	panic("unknown operator")
}

// key gives the value that a sort key looks at.
func (n naive) key(s *seen, k core.SortKey) any {
	var best any
	bytes := k.Path.Field == "_id" || k.Path.Field == "partner"
	for _, v := range n.values(s, k.Path) {
		if c := 0; best != nil {
			if c = naiveCompare(v, best, bytes); (k.Desc && c <= 0) || (!k.Desc && c >= 0) {
				continue
			}
		}
		best = v
	}
	return best
}

func (n naive) sorted(list []*seen, keys []core.SortKey) []*seen {
	sort.SliceStable(list, func(i, j int) bool { // stable: they come by id
		for _, k := range keys {
			a, b := n.key(list[i], k), n.key(list[j], k)
			if a == nil || b == nil {
				if (a == nil) != (b == nil) {
					return b == nil
				}
				continue
			}
			c := naiveCompare(a, b, k.Path.Field == "_id" || k.Path.Field == "partner")
			if k.Desc {
				c = -c
			}
			if c != 0 {
				return c < 0
			}
		}
		return false
	})
	return list
}

func (n naive) query(q core.Query) []*seen {
	var found []*seen
	for _, s := range n.all(q.Type) {
		if n.holds(s, q.Where) && n.inGeo(s, q.Geo) {
			found = append(found, s)
		}
	}
	return n.sorted(found, q.Sort)
}

func (n naive) inGeo(s *seen, g *core.GeoFilter) bool {
	if g == nil {
		return true
	}
	box, ok := bounds(jsondoc.Values(s.doc, g.Field))
	if g.BBox != nil {
		if !ok || box.North < g.BBox.South || box.South > g.BBox.North {
			return false
		}
		if g.BBox.West <= g.BBox.East {
			return box.East >= g.BBox.West && box.West <= g.BBox.East
		}
		return box.East >= g.BBox.West || box.West <= g.BBox.East
	}
	if g.Near != nil {
		return ok && haversine(g.Near.Lon, g.Near.Lat, min(max(g.Near.Lon, box.West), box.East), min(max(g.Near.Lat, box.South), box.North)) <= g.Near.Metres
	}
	return true
}

func haversine(lon1, lat1, lon2, lat2 float64) float64 {
	rad := math.Pi / 180
	a := math.Pow(math.Sin((lat2-lat1)*rad/2), 2) + math.Cos(lat1*rad)*math.Cos(lat2*rad)*math.Pow(math.Sin((lon2-lon1)*rad/2), 2)
	return 2 * earthRadius * math.Asin(math.Sqrt(a))
}

func (n naive) facet(found []*seen, p core.Path) map[any]int {
	counts := map[any]int{}
	for _, s := range found {
		for _, v := range n.values(s, p) {
			counts[v]++
		}
	}
	return counts
}
