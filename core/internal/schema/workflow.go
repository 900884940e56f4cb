package schema

import (
	"regexp"
	"slices"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

var statePattern = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,31}$`)

// workflow reads x-type.workflow (or x-workflow at the root): a name, or states and transitions of its own.
func (i *info) workflow() core.Workflow {
	v, below := i.m["workflow"], "/workflow"
	if v == nil {
		if own, has := i.n.raw["x-workflow"]; has {
			v = own
		}
	}
	switch v := v.(type) {
	case nil:
		return core.DefaultWorkflow()
	case string:
		return i.namedWorkflow(v, below)
	case map[string]any:
		return i.ownWorkflow(v, below)
	}
	i.badAt(below, say("workflow vaut « default », « review », « live », ou un objet avec states et transitions.", "workflow is “default”, “review”, “live”, or an object with states and transitions."))
	return core.DefaultWorkflow()
}

func (i *info) namedWorkflow(name, below string) core.Workflow {
	switch name {
	case "default":
	case "review":
		return core.ReviewWorkflow()
	case "live":
		return core.LiveWorkflow()
	default:
		i.badAt(below, meant(say("Le circuit « %s » est inconnu ; il y a default, review et live.", "The workflow “%s” is unknown; there are default, review and live.", name), name, []string{"default", "review", "live"}))
	}
	return core.DefaultWorkflow()
}

func (i *info) ownWorkflow(m map[string]any, below string) core.Workflow {
	i.knownMembers(below, m, []string{"name", "extends", "initial", "states", "transitions"})
	w := core.Workflow{Initial: core.StatusDraft}
	if base, ok := m["extends"].(string); ok {
		w = i.namedWorkflow(base, below+"/extends")
	}
	w.Name = "custom"
	if name, ok := m["name"].(string); ok {
		w.Name = name
	}
	for k, item := range i.objects(below+"/states", m["states"]) {
		w.States = putState(w.States, i.state(below+"/states/"+number(k), item))
	}
	for k, item := range i.objects(below+"/transitions", m["transitions"]) {
		w.Transitions = putTransition(w.Transitions, i.transition(below+"/transitions/"+number(k), item))
	}
	if initial, ok := m["initial"].(string); ok {
		w.Initial = core.Status(initial)
	}
	i.soundWorkflow(&w, below)
	return w
}

// objects reads a list of objects; absent is empty.
func (i *info) objects(below string, v any) []map[string]any {
	list, ok := v.([]any)
	if v != nil && !ok {
		i.badAt(below, say("Il faut une liste d’objets.", "A list of objects is expected."))
	}
	out := make([]map[string]any, 0, len(list))
	for k, item := range list {
		m, ok := item.(map[string]any)
		if !ok {
			i.badAt(below+"/"+number(k), say("Il faut un objet.", "An object is expected."))
			m = map[string]any{}
		}
		out = append(out, m)
	}
	return out
}

func (i *info) state(below string, m map[string]any) core.WorkflowState {
	i.knownMembers(below, m, []string{"name", "label", "color", "frozen", "onEdit"})
	name, _ := m["name"].(string)
	if !statePattern.MatchString(name) {
		i.badAt(below+"/name", say("Un état a un nom en minuscules, comme « in_review ».", "A state has a name in lower case, like “in_review”."))
	}
	s := core.WorkflowState{Name: core.Status(name), Label: i.labelOr(below, m, name)}
	s.Color, _ = m["color"].(string)
	s.Frozen, _ = m["frozen"].(bool)
	onEdit, _ := m["onEdit"].(string)
	s.OnEdit = core.Status(onEdit)
	if s.OnEdit == "" && s.Name == core.StatusPublished && !s.Frozen {
		s.OnEdit = core.StatusDraft
	}
	return s
}

func (i *info) labelOr(below string, m map[string]any, name string) core.Text {
	if v, has := m["label"]; has {
		return i.text(below+"/label", v)
	}
	return core.Text{"fr": name}
}

func (i *info) transition(below string, m map[string]any) core.Transition {
	i.knownMembers(below, m, []string{"name", "from", "to", "effect", "label", "roles", "requires", "require", "needs"})
	name, _ := m["name"].(string)
	if !statePattern.MatchString(name) {
		i.badAt(below+"/name", say("Un passage a un nom en minuscules, comme « submit ».", "A transition has a name in lower case, like “submit”."))
	}
	to, _ := m["to"].(string)
	t := core.Transition{Name: name, To: core.Status(to), Label: i.labelOr(below, m, name), From: i.from(below, m["from"])}
	t.Effect = i.effect(below, m, t)
	t.Roles = i.optionalWords(below+"/roles", m["roles"])
	t.Requires = i.optionalWords(below+"/requires", firstOf(m, "requires", "require"))
	for _, need := range i.optionalWords(below+"/needs", m["needs"]) {
		t.Needs = append(t.Needs, core.Action(need))
	}
	return t
}

func (i *info) from(below string, v any) (states []core.Status) {
	if s, ok := v.(string); ok {
		if s == "*" {
			return nil
		}
		return []core.Status{core.Status(s)}
	}
	for _, s := range i.optionalWords(below+"/from", v) {
		states = append(states, core.Status(s))
	}
	return states
}

func (i *info) optionalWords(below string, v any) []string {
	if v == nil {
		return nil
	}
	return i.words(below, v)
}

// effect is what is said, or what the names mean: to go to published is to publish, "unpublish" to unpublish.
func (i *info) effect(below string, m map[string]any, t core.Transition) core.Effect {
	v, has := m["effect"]
	if has && v != "" && v != "none" {
		return core.Effect(i.choice(below+"/effect", v, string(core.EffectPublish), string(core.EffectUnpublish)))
	}
	switch {
	case has:
		return core.EffectNone
	case t.To == core.StatusPublished:
		return core.EffectPublish
	case t.Name == "unpublish":
		return core.EffectUnpublish
	}
	return core.EffectNone
}

// putState adds a state, or replaces the one of its name.
func putState(states []core.WorkflowState, s core.WorkflowState) []core.WorkflowState {
	for k := range states {
		if states[k].Name == s.Name {
			states[k] = s
			return states
		}
	}
	return append(states, s)
}

// putTransition adds a transition, or replaces the one of its name and sources.
func putTransition(all []core.Transition, t core.Transition) []core.Transition {
	for k := range all {
		if all[k].Name == t.Name && slices.Equal(all[k].From, t.From) {
			all[k] = t
			return all
		}
	}
	return append(all, t)
}

// soundWorkflow checks that states exist where they are named, and adds the two that every workflow has.
func (i *info) soundWorkflow(w *core.Workflow, below string) {
	for _, s := range core.DefaultWorkflow().States {
		if _, has := w.State(s.Name); !has {
			w.States = append(w.States, s)
		}
	}
	i.wantState(w, below+"/initial", w.Initial)
	for _, s := range w.States {
		if s.OnEdit != "" {
			i.wantState(w, below+"/states", s.OnEdit)
		}
	}
	for k, t := range w.Transitions {
		at := below + jsondoc.Pointer("transitions", number(k))
		i.wantState(w, at+"/to", t.To)
		for _, from := range t.From {
			i.wantState(w, at+"/from", from)
		}
	}
	if len(w.Transitions) == 0 {
		w.Transitions = core.DefaultWorkflow().Transitions
	}
}

func (i *info) wantState(w *core.Workflow, below string, name core.Status) {
	if _, ok := w.State(name); !ok {
		i.badAt(below, say("L’état « %s » n’existe pas dans ce circuit.", "There is no state “%s” in this workflow.", name))
	}
}
