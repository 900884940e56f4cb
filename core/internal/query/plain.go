package query

import (
	"sync"

	"github.com/palabre-cms/palabre/core"
)

// plain remembers the requests without parameters, which are most of those for single entries. What they come to depends on
// the type and the scope alone.
type plain struct {
	mu    sync.RWMutex
	asked map[plainKey]*core.Asked
}

type plainKey struct {
	t      *core.Type
	scope  string
	action core.Action
}

// maxPlain bounds what is remembered: types that were replaced and scopes that went away are forgotten with the rest.
const maxPlain = 1000

// get gives what is remembered, or a copy of it under the scope of this very request. Nobody changes an Asked once it is made.
func (p *plain) get(t *core.Type, s *core.Scope, action core.Action) (*core.Asked, bool) {
	if s.Key == "" {
		return nil, false
	}
	p.mu.RLock()
	known, ok := p.asked[plainKey{t, s.Key, action}]
	p.mu.RUnlock()
	if !ok || known.Scope == s {
		return known, ok
	}
	a := *known
	a.Scope, a.Where = s, s.Where
	return &a, true
}

func (p *plain) put(t *core.Type, s *core.Scope, action core.Action, a *core.Asked) {
	if a.Reach != nil || s.Key == "" {
		return // an order through a reference: what may be seen there is another scope's
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.asked == nil || len(p.asked) >= maxPlain {
		p.asked = map[plainKey]*core.Asked{}
	}
	known := *a
	p.asked[plainKey{t, s.Key, action}] = &known
}
