package catalog

import (
	"fmt"
	"sync"

	"github.com/palabre-cms/palabre/core"
)

// matchCache keeps for which slots comparisons hold until something in the shelf changes: websites ask for the same
// region, the same year again and again, in ever new combinations. What readers may see is not in it.
type matchCache struct {
	mu     sync.Mutex
	recent map[asking]bitset
	older  map[asking]bitset // those before; asked for again, they are recent
}

// asking is a column with what it was asked for.
type asking struct {
	column *column
	asked  string
}

const (
	matchesKept  = 320 // in each of the two maps: some 80 bytes for each entry in all
	longestAsked = 200 // bytes of what is asked for: a long list is not asked for twice
)

func (m *matchCache) drop() {
	if len(m.recent)+len(m.older) > 0 {
		m.recent, m.older = nil, nil
	}
}

// of gives the slots of a comparison, looking for them only when they are not known. They must not be changed.
func (m *matchCache) of(c *column, op core.Operator, values []any, look func() (bitset, error)) (bitset, error) {
	asked, short := describe(op, values)
	if !short {
		return look()
	}
	key := asking{c, asked}
	if found, ok := m.known(key); ok {
		return found, nil
	}
	found, err := look()
	if err == nil {
		m.keep(key, found)
	}
	return found, err
}

func (m *matchCache) known(key asking) (bitset, bool) {
	m.mu.Lock()
	found, ok := m.recent[key]
	old := false
	if !ok {
		found, old = m.older[key]
	}
	m.mu.Unlock()
	if old {
		m.keep(key, found)
	}
	return found, ok || old
}

func (m *matchCache) keep(key asking, found bitset) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.recent == nil || len(m.recent) >= matchesKept {
		m.older, m.recent = m.recent, map[asking]bitset{}
	}
	m.recent[key] = found
}

// describe writes an operator and its values so that no two that differ look alike.
func describe(op core.Operator, values []any) (text string, short bool) {
	if len(values) > 20 {
		return "", false
	}
	b := append(make([]byte, 0, 64), op...)
	for _, v := range values {
		switch v := v.(type) {
		case string:
			b = fmt.Appendf(b, " %d:%s", len(v), v)
		default:
			b = fmt.Appendf(b, " %T %v", v, v)
		}
	}
	return string(b), len(b) <= longestAsked
}
