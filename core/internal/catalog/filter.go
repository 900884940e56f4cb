package catalog

import (
	"github.com/palabre-cms/palabre/core"
)

var errCursor = &core.Error{Code: core.CodeBadRequest, Message: "The cursor does not belong to this query. Ask for the first page again."}

// reading is one look at the memory: everything it finds is as readers of a state and a language see it.
type reading struct {
	m      *memory
	state  core.State
	locale core.Locale
}

// beyond gives how entries are seen through a reference: out of the trash one sees the drafts.
func (r reading) beyond() reading {
	if r.state == core.StateTrash {
		r.state = core.StateDraft
	}
	return r
}

func (r reading) column(s *shelf, path string) (*column, error) {
	c, ok := s.column(path, r.state, r.locale)
	if !ok {
		return nil, core.Errorf(core.CodeBadRequest, "The field %s of %s is not held for filters and orders.", path, s.name)
	}
	return c, nil
}

// where gives the slots that are seen and for which a condition holds.
func (r reading) where(s *shelf, n core.Node) (bitset, error) {
	found, err := r.holds(s, n)
	if err != nil {
		return nil, err
	}
	found = found.sized(s.slots())
	found.and(s.seen(r.state))
	return found, nil
}

// holds gives the slots for which a condition holds, and perhaps slots that are not seen. They must not be changed.
func (r reading) holds(s *shelf, n core.Node) (bitset, error) {
	switch n := n.(type) {
	case nil:
		return s.seen(r.state).sized(s.slots()), nil
	case core.And:
		return r.all(s, n)
	case core.Or:
		return r.any(s, n)
	case core.Not:
		return r.not(s, n.Node)
	case core.Compare:
		return r.compare(s, n)
	}
	return nil, core.Errorf(core.CodeInternal, "a query holds a node of the unknown kind %T", n)
}

func (r reading) all(s *shelf, nodes core.And) (bitset, error) {
	found := s.seen(r.state).sized(s.slots())
	for _, n := range nodes {
		b, err := r.holds(s, n)
		if err != nil {
			return nil, err
		}
		found.and(b)
	}
	return found, nil
}

func (r reading) any(s *shelf, nodes core.Or) (bitset, error) {
	found := newBitset(s.slots())
	for _, n := range nodes {
		b, err := r.holds(s, n)
		if err != nil {
			return nil, err
		}
		found.or(b)
	}
	return found, nil
}

func (r reading) not(s *shelf, n core.Node) (bitset, error) {
	b, err := r.holds(s, n)
	if err != nil {
		return nil, err
	}
	found := s.seen(r.state).sized(s.slots())
	found.without(b)
	return found, nil
}

// compare evaluates the operators that deny as the denial of the others: they hold where no value does.
func (r reading) compare(s *shelf, c core.Compare) (bitset, error) {
	positive, denied := undeny(c)
	if denied {
		return r.not(s, positive)
	}
	if values, had := withoutNil(positive.Values); had && positive.Op == core.OpIn {
		absent := core.Compare{Path: c.Path, Op: core.OpExists, Values: []any{false}}
		positive.Values = values
		return r.any(s, core.Or{absent, positive})
	}
	return r.some(s, positive)
}

// undeny gives the comparison that a denying one denies.
func undeny(c core.Compare) (core.Compare, bool) {
	absent := len(c.Values) == 1 && c.Values[0] == nil
	switch c.Op {
	case core.OpNe:
		c.Op = core.OpEq
		if absent {
			c.Op, c.Values = core.OpExists, []any{true}
			return c, false
		}
		return c, true
	case core.OpNin:
		c.Op = core.OpIn
		return c, true
	case core.OpEq:
		if absent {
			c.Op, c.Values = core.OpExists, []any{true}
			return c, true
		}
	case core.OpExists:
		if len(c.Values) == 1 && c.Values[0] == false {
			c.Values = []any{true}
			return c, true
		}
	}
	return c, false
}

// withoutNil splits a list of values that contains "no value" from it.
func withoutNil(values []any) (rest []any, had bool) {
	for _, v := range values {
		if v == nil {
			had = true
			continue
		}
		rest = append(rest, v)
	}
	return rest, had
}

// some gives the slots where any value at the path does as the operator says. They must not be changed.
func (r reading) some(s *shelf, c core.Compare) (bitset, error) {
	if len(c.Path.Via) > 0 {
		return r.through(s, c.Path, func(t *shelf, rest core.Path) (bitset, error) {
			c.Path = rest
			return r.beyond().some(t, c)
		})
	}
	col, err := r.column(s, c.Path.Field)
	if err != nil {
		return nil, err
	}
	return s.matches.of(col, c.Op, c.Values, func() (bitset, error) {
		found := newBitset(s.slots())
		return found, col.match(found, c.Op, c.Values)
	})
}

// match adds to found the slots with a value that does as the operator says.
func (c *column) match(found bitset, op core.Operator, values []any) error {
	switch {
	case op == core.OpExists:
		c.present(found)
		return nil
	case c.points != nil:
		return core.Errorf(core.CodeBadRequest, "The field %s is a place: ask with bbox, near or within, or whether it exists.", c.path)
	}
	switch op {
	case core.OpEq, core.OpIn:
		c.equal(found, values)
	case core.OpContains, core.OpPrefix:
		return c.contains(found, op, values)
	case core.OpLt, core.OpLte, core.OpGt, core.OpGte, core.OpBetween:
		c.between(found, op, values)
	default:
		return core.Errorf(core.CodeInternal, "a query holds the unknown operator %q", op)
	}
	return nil
}

func (c *column) present(found bitset) {
	if c.points != nil {
		c.points.present(found)
		return
	}
	c.cells.scan(found, 0, greatestKey)
}

func (c *column) equal(found bitset, values []any) {
	keys := c.exact(values)
	if len(keys) > 3 && c.narrow() {
		var set bitset
		for _, k := range keys {
			set.set(uint32(k))
		}
		c.cells.scanSet(found, set)
		return
	}
	for _, k := range keys {
		c.cells.scan(found, k, k)
	}
}

// exact gives the keys of the values that the column may hold.
func (c *column) exact(values []any) []uint64 {
	keys := make([]uint64, 0, len(values))
	for _, v := range values {
		if c.dict == nil {
			if k, ok := c.key(v, roundNever); ok {
				keys = append(keys, k)
			}
			continue
		}
		if code, ok := c.dict.find(textOf(v)); ok {
			keys = append(keys, uint64(code))
		}
	}
	return keys
}

func textOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case core.EntryID:
		return string(v)
	case core.TypeName:
		return string(v)
	case core.Status:
		return string(v)
	}
	return "\x00" // no value is this
}

func (c *column) contains(found bitset, op core.Operator, values []any) error {
	if c.kind != core.KindString || len(values) != 1 {
		return core.Errorf(core.CodeBadRequest, "The operator %s works on one text; the field %s is none.", op, c.path)
	}
	c.cells.scanSet(found, c.dict.containing(textOf(values[0]), op == core.OpPrefix))
	return nil
}

// between scans for the values of a range.
func (c *column) between(found bitset, op core.Operator, values []any) {
	low, high := leastKey, greatestKey
	if len(values) == 0 {
		return
	}
	first, ok := c.ordered(values[0], roundingOf(op))
	if !ok {
		return
	}
	switch op {
	case core.OpLt:
		high = first - 1
	case core.OpLte:
		high = first
	case core.OpGt:
		low = first + 1
	case core.OpGte:
		low = first
	case core.OpBetween:
		if len(values) != 2 {
			return
		}
		last, ok := c.ordered(values[1], roundDown)
		if !ok {
			return
		}
		low, high = first, last
	}
	if low > high {
		return
	}
	if c.dict != nil {
		c.cells.scanLabels(found, c.dict.labels(), low, high)
		return
	}
	c.cells.scan(found, low, high)
}

// roundingOf says which way an end of a range goes that lies between two values of the field.
func roundingOf(op core.Operator) rounding {
	switch op {
	case core.OpLt, core.OpGte, core.OpBetween:
		return roundUp
	}
	return roundDown
}

func (c *column) ordered(v any, r rounding) (uint64, bool) {
	if c.dict != nil {
		text := textOf(v)
		return c.dict.label(text), text != "\x00"
	}
	return c.key(v, r)
}
