package pluginhost

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
	"github.com/palabre-cms/palabre/core/plugin"
)

// state is what an entry of _plugin says. A plugin without one is on, with the settings that its schema gives by default.
type state struct {
	entry       core.EntryID
	rev         int64
	Enabled     bool
	Settings    map[string]any // without the secrets
	Sealed      string         // the secrets
	Fault       string
	Stages      map[string]any  // where the site wants its handlers to run: see stagesOf
	Uninstalled plugin.Disposal // what became of its data; "" while it is installed
	// Installation names the one that the plugin's data is of: another one after each time that its data was dropped, "" before.
	// What lies under the name of an earlier one is nobody's, and goes: see clear.
	Installation string
}

func newState() state { return state{Enabled: true} }

func (s state) equal(other state) bool {
	return s.Enabled == other.Enabled && s.Fault == other.Fault && s.Uninstalled == other.Uninstalled && !s.startsAnew(other)
}

// startsAnew reports whether a plugin that is on has to be stopped and started to come from one state into the other.
func (s state) startsAnew(other state) bool {
	return s.Sealed != other.Sealed || s.Installation != other.Installation || !jsondoc.Equal(any(s.Settings), any(other.Settings))
}

// doc is the state as its entry has it.
func (s state) doc(id string) map[string]any {
	doc := map[string]any{"plugin": id, "enabled": s.Enabled}
	for name, object := range map[string]map[string]any{"settings": s.Settings, "stages": s.Stages} {
		if len(object) > 0 {
			doc[name] = object
		}
	}
	for name, text := range map[string]string{"sealed": s.Sealed, "fault": clipped(s.Fault), "uninstalled": string(s.Uninstalled), "installation": s.Installation} {
		if text != "" {
			doc[name] = text
		}
	}
	return doc
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

// Standing is how a plugin stands in the store, whether or not this program has it.
type Standing struct {
	ID          string          `json:"id"`
	Version     string          `json:"version"`
	Name        string          `json:"name,omitempty"`
	Enabled     bool            `json:"enabled"`          // as it was decided
	Absent      bool            `json:"absent,omitempty"` // this program does not have it any more
	Uninstalled plugin.Disposal `json:"uninstalled,omitempty"`
	Fault       string          `json:"fault,omitempty"`
}

// Registered are the plugins of this program, as they are before a store says anything else.
func (h *Host) Registered() []Standing {
	var all []Standing
	for _, o := range h.plugins {
		all = append(all, o.standing(newState()))
	}
	return all
}

// Standings are how the plugins stand: those of this program, and then those that the store alone knows of.
func (h *Host) Standings(ctx context.Context) ([]Standing, error) {
	states, err := h.states(ctx)
	return h.standings(states), err
}

func (h *Host) standings(states map[string]state) []Standing {
	var all []Standing
	for _, o := range h.plugins {
		all = append(all, o.standing(states[o.id()]))
	}
	for _, l := range h.left {
		all = append(all, Standing{ID: l.ID, Fault: l.Err.Error()})
	}
	for _, id := range slices.Sorted(maps.Keys(states)) {
		if !slices.ContainsFunc(all, func(s Standing) bool { return s.ID == id }) {
			s := states[id]
			all = append(all, Standing{ID: id, Enabled: s.Enabled, Absent: true, Uninstalled: s.Uninstalled, Fault: s.Fault})
		}
	}
	return all
}

func (o *one) standing(s state) Standing {
	return Standing{ID: o.id(), Version: o.Manifest.Version, Name: o.Manifest.Name, Enabled: s.Enabled, Uninstalled: s.Uninstalled, Fault: s.Fault}
}

func readState(e *core.Entry, doc map[string]any) state {
	s := state{entry: e.ID, rev: e.Rev}
	s.Enabled, _ = doc["enabled"].(bool)
	s.Settings, _ = doc["settings"].(map[string]any)
	s.Stages, _ = doc["stages"].(map[string]any)
	s.Sealed, _ = doc["sealed"].(string)
	s.Fault, _ = doc["fault"].(string)
	s.Installation, _ = doc["installation"].(string)
	uninstalled, _ := doc["uninstalled"].(string)
	s.Uninstalled = plugin.Disposal(uninstalled)
	return s
}

// changeAttempts is how often a change of a state is tried when another one came first.
const changeAttempts = 10

// change writes a plugin's state in somebody's name, who has the right to.
func (h *Host) change(ctx context.Context, who *core.Principal, id string, edit func(*state) error) error {
	for attempt := 1; ; attempt++ {
		states, err := h.states(ctx)
		if err != nil {
			return err
		}
		s, ok := states[id]
		if !ok {
			s = newState()
		}
		was := s.doc(id)
		if err := edit(&s); err != nil {
			return err
		}
		err = h.write(ctx, who, id, s, was)
		code := core.CodeOf(err)
		if code != core.CodeStale && code != core.CodeConflict || attempt == changeAttempts {
			return err
		}
	}
}

func (h *Host) write(ctx context.Context, who *core.Principal, id string, s state, was map[string]any) error {
	op := core.Operation{Op: core.OperationUpdate, Type: Type, ID: s.entry, IfMatch: s.rev, Fill: patchTo(was, s.doc(id))}
	if s.entry == "" {
		op = core.Operation{Op: core.OperationCreate, Type: Type, Fill: s.doc(id)}
	}
	// Only Palabre writes these entries; the log says for whom.
	as := &core.Principal{ID: who.ID, Kind: core.System.Kind, Roles: core.System.Roles}
	r, err := h.parts.Content.Write(ctx, as, []core.Operation{op}, core.WriteOptions{Reason: "plugin"})
	if err != nil {
		return err
	}
	return h.parts.Catalog.Wait(ctx, r.Position)
}

// patchTo is the JSON Merge Patch that makes one document of another.
func patchTo(from, to map[string]any) map[string]any {
	patch := map[string]any{}
	for name := range from {
		if _, stays := to[name]; !stays {
			patch[name] = nil
		}
	}
	for name, v := range to {
		was, a := from[name].(map[string]any)
		is, b := v.(map[string]any)
		if a && b {
			v = patchTo(was, is)
		}
		patch[name] = v
	}
	return patch
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
