package pluginhost

import (
	"context"
	"encoding/json"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// state is what an entry of _plugin says. A plugin without one is on, with the settings that its schema gives by default.
type state struct {
	entry    core.EntryID
	rev      int64
	Enabled  bool
	Settings map[string]any // without the secrets
	Sealed   string         // the secrets
	Fault    string
}

func newState() state { return state{Enabled: true} }

func (s state) equal(other state) bool {
	return s.Enabled == other.Enabled && s.Fault == other.Fault && s.sameSettings(other)
}

func (s state) sameSettings(other state) bool {
	return s.Sealed == other.Sealed && jsondoc.Equal(any(s.Settings), any(other.Settings))
}

// states reads those of all plugins.
func (h *Host) states(ctx context.Context) (map[string]state, error) {
	states := map[string]state{}
	for _, o := range h.plugins {
		states[o.id()] = newState()
	}
	err := h.parts.Catalog.Each(ctx, Type, "", func(e *core.Entry) error {
		if e.Trashed() {
			return nil
		}
		doc, err := jsondoc.ParseObject(e.Latest())
		if err != nil {
			return err
		}
		id, _ := doc["plugin"].(string)
		states[id] = readState(e, doc)
		return nil
	})
	return states, core.Wrap("pluginhost.states", err)
}

func readState(e *core.Entry, doc map[string]any) state {
	s := state{entry: e.ID, rev: e.Rev}
	s.Enabled, _ = doc["enabled"].(bool)
	s.Settings, _ = doc["settings"].(map[string]any)
	s.Sealed, _ = doc["sealed"].(string)
	s.Fault, _ = doc["fault"].(string)
	return s
}

// changeAttempts is how often a change of a state is tried when another one came first.
const changeAttempts = 10

// change writes a plugin's state in somebody's name, who has the right to.
func (h *Host) change(ctx context.Context, who *core.Principal, o *one, edit func(*state) error) error {
	for attempt := 1; ; attempt++ {
		states, err := h.states(ctx)
		if err != nil {
			return err
		}
		s := states[o.id()]
		if err := edit(&s); err != nil {
			return err
		}
		err = h.write(ctx, who, o, s)
		code := core.CodeOf(err)
		if code != core.CodeStale && code != core.CodeConflict || attempt == changeAttempts {
			return err
		}
	}
}

func (h *Host) write(ctx context.Context, who *core.Principal, o *one, s state) error {
	doc := map[string]any{"plugin": o.id(), "enabled": s.Enabled, "settings": nil, "sealed": nil, "fault": nil}
	if len(s.Settings) > 0 {
		doc["settings"] = s.Settings
	}
	if s.Sealed != "" {
		doc["sealed"] = s.Sealed
	}
	if s.Fault != "" {
		doc["fault"] = clipped(s.Fault)
	}
	op := core.Operation{Op: core.OperationUpdate, Type: Type, ID: s.entry, IfMatch: s.rev, Fill: doc}
	if s.entry == "" {
		op = core.Operation{Op: core.OperationCreate, Type: Type, Fill: jsondoc.Merge(nil, doc)}
	}
	// Only Palabre writes these entries; the log says for whom.
	as := &core.Principal{ID: who.ID, Kind: core.System.Kind, Roles: core.System.Roles}
	r, err := h.parts.Content.Write(ctx, as, []core.Operation{op}, core.WriteOptions{Reason: "plugin"})
	if err != nil {
		return err
	}
	return h.parts.Catalog.Wait(ctx, r.Position)
}

func clipped(s string) string {
	const most = 1000
	if len(s) <= most {
		return s
	}
	return string([]rune(s[:most])[:most/4*3]) + "…"
}

// settingsText gives what the plugin is set up with.
func settingsText(doc map[string]any) json.RawMessage {
	if doc == nil {
		return json.RawMessage("{}")
	}
	return json.RawMessage(jsondoc.Encode(doc))
}
