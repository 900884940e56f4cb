package webhooks

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
)

// endpoint is a published entry of the type webhook.
type endpoint struct {
	ID      core.EntryID    `json:"-"`
	Rev     int64           `json:"-"` // of the entry
	LiveRev int64           `json:"-"` // the revision that was published
	URL     string          `json:"url"`
	Events  []string        `json:"events"`
	Types   []core.TypeName `json:"types"`
	Active  *bool           `json:"active"` // nil is true
	Payload string          `json:"payload"`
	Role    string          `json:"role"`
	Ed25519 bool            `json:"ed25519"`
}

func (e *endpoint) active() bool { return e.Active == nil || *e.Active }

func (e *endpoint) full() bool { return e.Payload == "full" }

// role is the one by whose rights the endpoint learns of anything.
func (e *endpoint) role() string {
	if e.Role == "" {
		return publicRole
	}
	return e.Role
}

// concerns reports whether an event of a type could be wanted.
func (e *endpoint) concerns(name core.TypeName) bool {
	return len(e.Types) == 0 || slices.Contains(e.Types, name)
}

// wants reports whether an event is among those subscribed to.
func (e *endpoint) wants(name core.TypeName, action core.Action) bool {
	return slices.ContainsFunc(e.Events, func(pattern string) bool {
		typ, act, _ := strings.Cut(pattern, ".")
		return (typ == "*" || typ == string(name)) && (act == "*" || act == string(action))
	})
}

const publicRole = "public"

// principal is who reads for a role: nobody's account, so that a permission which depends on who asks gives nothing.
func principal(role string) *core.Principal {
	return &core.Principal{ID: "webhook:" + role, Kind: "role", Roles: []string{role}}
}

// endpoints knows the published webhooks, and reads them again when one has changed. The zero value needs its host.
type endpoints struct {
	host    plugin.Host
	mu      sync.Mutex
	read    bool
	version uint64
	list    []*endpoint
}

// all gives the endpoints by identifier; the list is not to be changed.
func (s *endpoints) all(ctx context.Context) ([]*endpoint, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	version := s.host.Version(typeName)
	if s.read && version == s.version {
		return s.list, nil
	}
	list, err := s.load(ctx)
	if err != nil {
		return nil, err
	}
	s.list, s.version, s.read = list, version, true
	return list, nil
}

// find gives an endpoint, nil for one that is not published.
func (s *endpoints) find(ctx context.Context, id core.EntryID) (*endpoint, error) {
	list, err := s.all(ctx)
	if at := slices.IndexFunc(list, func(e *endpoint) bool { return e.ID == id }); at >= 0 {
		return list[at], err
	}
	return nil, err
}

func (s *endpoints) load(ctx context.Context) (list []*endpoint, err error) {
	err = s.host.Own(ctx, typeName, func(e *core.Entry) error {
		if e.Trashed() || e.Published == nil {
			return nil
		}
		one := &endpoint{ID: e.ID, Rev: e.Rev, LiveRev: e.Live.Rev}
		list = append(list, one)
		return json.Unmarshal(e.Published, one)
	})
	return list, core.Wrap("webhooks.endpoints", err)
}
