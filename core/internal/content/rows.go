package content

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/folding"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// row is what a row rule is evaluated on: the fields of doc, the system fields of entry.
type row struct {
	entry *core.Entry
	doc   map[string]any
}

// matches evaluates a row rule on an entry that need not be stored; nil holds.
func (b *batch) matches(ctx context.Context, t *core.Type, n core.Node, r row) (bool, error) {
	switch n := n.(type) {
	case nil:
		return true, nil
	case core.And:
		return b.all(ctx, t, n, r, true)
	case core.Or:
		ok, err := b.all(ctx, t, n, r, false)
		return !ok, err
	case core.Not:
		ok, err := b.matches(ctx, t, n.Node, r)
		return !ok, err
	case core.Compare:
		values, err := b.valuesAt(ctx, t, n.Path, r)
		if err != nil {
			return false, err
		}
		return compare(values, n), nil
	}
	return false, core.Errorf(core.CodeInternal, "a row rule has a node of an unknown kind")
}

// all reports whether every node answers want.
func (b *batch) all(ctx context.Context, t *core.Type, nodes []core.Node, r row, want bool) (bool, error) {
	for _, n := range nodes {
		ok, err := b.matches(ctx, t, n, r)
		if err != nil || ok != want {
			return false, err
		}
	}
	return true, nil
}

// valuesAt follows a path through references, on the documents that editors see.
func (b *batch) valuesAt(ctx context.Context, t *core.Type, p core.Path, r row) ([]any, error) {
	if len(p.Via) == 0 {
		return ownValues(p.Field, r), nil
	}
	rest := core.Path{Via: p.Via[1:], Field: p.Field}
	var step core.Step
	if p.Steps != nil {
		step, rest.Steps = p.Steps[0], p.Steps[1:]
	}
	var values []any
	for _, v := range jsondoc.Values(r.doc, p.Via[0]) {
		more, err := b.valuesBeyond(ctx, v, step, rest)
		if err != nil {
			return nil, err
		}
		values = append(values, more...)
	}
	return values, nil
}

// valuesBeyond gives the values at the other end of one reference; none where it may not be seen.
func (b *batch) valuesBeyond(ctx context.Context, ref any, step core.Step, rest core.Path) ([]any, error) {
	name, id := refType(ref), refID(ref)
	node, allowed := step[name]
	if id == "" || (step != nil && !allowed) {
		return nil, nil
	}
	t, err := b.typeOf(name)
	if err != nil {
		return nil, onlyFaults(err)
	}
	e, err := b.world.entry(ctx, name, id)
	if err != nil || e == nil || e.Trashed() {
		return nil, err
	}
	doc, err := parse(e.Latest())
	if err != nil {
		return nil, err
	}
	beyond := row{entry: e, doc: doc}
	if ok, err := b.matches(ctx, t, node, beyond); !ok || err != nil {
		return nil, err
	}
	return b.valuesAt(ctx, t, rest, beyond)
}

func ownValues(field string, r row) []any {
	if _, system := core.SystemFields[field]; system {
		return systemValue(field, r.entry)
	}
	values := jsondoc.Values(r.doc, field)
	for i, v := range values {
		if id := refID(v); id != "" {
			values[i] = string(id)
		} else if media := member(v, "_media"); media != "" {
			values[i] = media
		}
	}
	return values
}

func systemValue(field string, e *core.Entry) []any {
	switch field {
	case "_id":
		return []any{string(e.ID)}
	case "_type":
		return []any{string(e.Type)}
	case "_rev":
		return []any{e.Rev}
	case "_status":
		return []any{string(e.Status)}
	case "_createdAt":
		return []any{e.CreatedAt}
	case "_updatedAt":
		return []any{e.UpdatedAt}
	case "_createdBy":
		return []any{e.CreatedBy}
	case "_updatedBy":
		return []any{e.UpdatedBy}
	case "_publishedAt":
		if e.PublishedAt != nil {
			return []any{*e.PublishedAt}
		}
	}
	return nil
}

// compare applies an operator to the values at a path.
func compare(values []any, c core.Compare) bool {
	switch c.Op {
	case core.OpExists:
		want, _ := one(c.Values).(bool)
		return (len(values) > 0) == want
	case core.OpEq:
		return equalsAny(values, c.Values)
	case core.OpNe, core.OpNin:
		return !equalsAny(values, c.Values)
	case core.OpIn:
		return equalsAny(values, c.Values)
	}
	for _, v := range values {
		if ordered(v, c) {
			return true
		}
	}
	return false
}

func one(values []any) any {
	if len(values) == 0 {
		return nil
	}
	return values[0]
}

// equalsAny reports whether any value is any of those wanted; a wanted nil is no value.
func equalsAny(values, wanted []any) bool {
	for _, want := range wanted {
		if want == nil && len(values) == 0 {
			return true
		}
		for _, v := range values {
			if order, ok := order(v, want, exactly); ok && order == 0 {
				return true
			}
		}
	}
	return false
}

// ordered applies the operators that compare one value.
func ordered(v any, c core.Compare) bool {
	first := one(c.Values)
	switch c.Op {
	case core.OpContains, core.OpPrefix:
		text, isText := v.(string)
		part, _ := first.(string)
		if c.Op == core.OpPrefix {
			return isText && strings.HasPrefix(folding.Fold(text), folding.Fold(part))
		}
		return isText && strings.Contains(folding.Fold(text), folding.Fold(part))
	case core.OpBetween:
		return len(c.Values) == 2 && holdsOrder(v, core.OpGte, c.Values[0]) && holdsOrder(v, core.OpLte, c.Values[1])
	default:
		return holdsOrder(v, c.Op, first)
	}
}

func holdsOrder(v any, op core.Operator, want any) bool {
	o, ok := order(v, want, inFrench)
	if !ok {
		return false
	}
	switch op {
	case core.OpLt:
		return o < 0
	case core.OpLte:
		return o <= 0
	case core.OpGt:
		return o > 0
	case core.OpGte:
		return o >= 0
	}
	return false
}

func exactly(a, b string) int { return strings.Compare(a, b) }

// inFrench is the order of the dictionary. Collators are not safe for use at once, and row rules with an order of
// texts are rare: one is made each time.
func inFrench(a, b string) int { return collate.New(language.French).CompareString(a, b) }

// order compares a value of a document with one of a rule; ok is false where they are of different kinds.
func order(v, want any, texts func(a, b string) int) (o int, ok bool) {
	switch want := want.(type) {
	case string:
		text, isText := v.(string)
		return texts(text, want), isText
	case bool:
		b, isBool := v.(bool)
		return boolRank(b) - boolRank(want), isBool
	case time.Time:
		at, isTime := instant(v)
		return at.Compare(want), isTime
	case int64:
		n, isNumber := number(v)
		return compareFloats(n, float64(want)), isNumber
	case float64:
		n, isNumber := number(v)
		return compareFloats(n, want), isNumber
	}
	return 0, false
}

func boolRank(b bool) int {
	if b {
		return 1
	}
	return 0
}

func instant(v any) (time.Time, bool) {
	switch v := v.(type) {
	case time.Time:
		return v, true
	case string:
		at, err := time.Parse(time.RFC3339, v)
		return at, err == nil
	}
	return time.Time{}, false
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case json.Number:
		f, err := strconv.ParseFloat(v.String(), 64)
		return f, err == nil
	}
	return 0, false
}

func compareFloats(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
