package pluginhost

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/hook"
	"github.com/palabre-cms/palabre/core/jsondoc"
	"github.com/palabre-cms/palabre/core/plugin"
)

// A site may have a plugin's handlers run at another stage than they were registered with. Its state says so, by the finest of
// three names that fits: a handler at an event ("entry.create/check"), an event ("entry.create"), or anything ("*").

// Placed is a handler in its place.
type Placed struct {
	Handler  string `json:"handler"`
	Stage    string `json:"stage"`
	Declared string `json:"declared"`         // that the plugin has registered it with
	Chosen   bool   `json:"chosen,omitempty"` // the stage is the site's choice
}

// stagesOf are the stages that the sites' choices come to.
func (h *Host) stagesOf(states map[string]state) plugin.Stages {
	all := plugin.Stages{}
	for event, places := range plugin.Places(h.hooks) {
		all[event] = map[string]hook.Stage{}
		for _, p := range places {
			id, name := plugin.Split(p.ID)
			for _, key := range namesOf(event, name) {
				chosen, _ := states[id].Stages[key].(string)
				if stage, ok := hook.StageNamed(chosen); ok {
					all[event][p.ID] = stage
					break
				}
			}
		}
	}
	return all
}

// namesOf are the names by which a choice may mean a handler, the finest first.
func namesOf(event, handler string) []string { return []string{event + "/" + handler, event, "*"} }

// place has the handlers run where the site wants them. What cannot be so any more, since plugins have changed, is as registered.
func (h *Host) place(states map[string]state) {
	if err := plugin.Place(h.hooks, h.stagesOf(states)); err != nil {
		h.logger.Error("handlers of plugins cannot run at the stages that the site wants: they run as the plugins say", "error", err)
	}
}

// editStages lays a JSON Merge Patch over the stages of a plugin's handlers: null takes a choice back.
func (h *Host) editStages(ctx context.Context, o *one, s *state, patch any) error {
	if patch == nil {
		s.Stages = nil
		return nil
	}
	wanted, ok := patch.(map[string]any)
	if !ok {
		return core.Invalid(badStage("", "Send an object, as {\"entry.create\": \"guard\"}, or null.", "Envoyez un objet, comme {\"entry.create\": \"guard\"}, ou null."))
	}
	if err := h.checkStages(o, wanted); err != nil {
		return err
	}
	s.Stages = jsondoc.Merge(s.Stages, wanted)
	states, err := h.states(ctx)
	if err != nil {
		return err
	}
	states[o.id()] = *s
	err = plugin.CanPlace(h.hooks, h.stagesOf(states))
	if cycle := (*hook.Cycle)(nil); errors.As(err, &cycle) {
		list := strings.Join(cycle.Plugins, ", ")
		return core.Refuse(core.CodeInvalid, "stage_cycle", "With handlers at these stages the plugins would wait for each other: %s.", "Avec ces étapes, des extensions s’attendraient mutuellement : %s.", list)
	}
	return err
}

// checkStages refuses stages that there are not, and handlers that the plugin has not.
func (h *Host) checkStages(o *one, wanted map[string]any) error {
	known := h.handlerNames(o)
	var wrong []core.FieldError
	for _, key := range slices.Sorted(maps.Keys(wanted)) {
		pointer := jsondoc.Pointer(key)
		switch stage, text := wanted[key].(string); {
		case wanted[key] == nil:
		case h.safe:
			wrong = append(wrong, badStage(pointer, "In safe mode it is not known which handlers there are. Stages can be taken back, with null.",
				"En mode sans échec, on ignore quels traitements existent. On peut seulement annuler des étapes, avec null."))
		case !slices.Contains(known, key):
			list := strings.Join(known, ", ")
			wrong = append(wrong, badStage(pointer, "The plugin has no handler %q. Those that it has: %s.", "L’extension n’a pas de traitement « %s ». Ceux qu’elle a : %s.", key, list))
		case !text || !slices.Contains(hook.StageNames(), stage):
			list := strings.Join(hook.StageNames(), ", ")
			wrong = append(wrong, badStage(pointer, "A stage is one of %s; null takes it back.", "Une étape est l’une de %s ; null l’annule.", list))
		}
	}
	if len(wrong) > 0 {
		return core.Invalid(wrong...)
	}
	return nil
}

func badStage(pointer, en, fr string, args ...any) core.FieldError {
	f := plugin.FieldIn(pointer, core.Say(en, fr, args...))
	f.Keyword = "stage"
	return f
}

// handlerNames are the names by which a plugin's handlers may be meant.
func (h *Host) handlerNames(o *one) []string {
	known := map[string]bool{}
	for event, places := range plugin.Places(h.hooks) {
		for _, p := range places {
			if id, name := plugin.Split(p.ID); id == o.id() {
				for _, key := range namesOf(event, name) {
					known[key] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(known))
}

// Order gives the resolved chain of every event that somebody listens to, of the plugins that take part; of a host that runs on no
// node, of all.
func (h *Host) Order() map[string][]Placed {
	return h.orderOf(func(o *one) bool { return h.parts.Catalog == nil || o.on.Load() })
}

// OrderAsDecided gives it as the store wants it, though nothing runs.
func (h *Host) OrderAsDecided(ctx context.Context) (map[string][]Placed, error) {
	states, err := h.states(ctx)
	if err != nil {
		return nil, err
	}
	h.place(states)
	return h.orderOf(func(o *one) bool { return states[o.id()].Enabled }), nil
}

func (h *Host) orderOf(on func(o *one) bool) map[string][]Placed {
	all := map[string][]Placed{}
	for event, places := range plugin.Places(h.hooks) {
		for _, p := range places {
			id, _ := plugin.Split(p.ID)
			if o := h.find(id); o != nil && on(o) {
				all[event] = append(all[event], Placed{p.ID, p.Stage.String(), p.Declared.String(), p.Chosen})
			}
		}
	}
	return all
}
