package core

// Effect is what a transition does to the documents.
type Effect string

const (
	EffectNone      Effect = ""          // only the state moves
	EffectPublish   Effect = "publish"   // the latest document becomes the published one
	EffectUnpublish Effect = "unpublish" // the published document becomes the draft
)

// Workflow is the states of a type's entries and who may move between them.
type Workflow struct {
	Name        string          `json:"name"`
	Initial     Status          `json:"initial"`
	States      []WorkflowState `json:"states"`
	Transitions []Transition    `json:"transitions"`
	Live        bool            `json:"live,omitempty"` // there are no drafts: every edit is published at once
}

// WorkflowState is one state.
type WorkflowState struct {
	Name   Status `json:"name"`
	Label  Text   `json:"label"`
	Color  string `json:"color,omitempty"`
	Frozen bool   `json:"frozen,omitempty"` // documents cannot be edited in this state
	OnEdit Status `json:"onEdit,omitempty"` // where an edit in this state leads; "" stays
}

// Transition is one way between states. An empty From is from any.
type Transition struct {
	Name     string   `json:"name"`
	From     []Status `json:"from,omitempty"`
	To       Status   `json:"to"`
	Effect   Effect   `json:"effect,omitempty"`
	Label    Text     `json:"label"`
	Roles    []string `json:"roles,omitempty"`    // who may; empty leaves it to the permissions
	Requires []string `json:"requires,omitempty"` // fields that must have a value first
	Needs    []Action `json:"needs,omitempty"`    // rights needed beside the transition's own
}

// State finds a state by name.
func (w *Workflow) State(name Status) (WorkflowState, bool) {
	for _, s := range w.States {
		if s.Name == name {
			return s, true
		}
	}
	return WorkflowState{}, false
}

// Transition finds a transition by name that leads from a state. found reports whether any transition has the name.
func (w *Workflow) Transition(name string, from Status) (t Transition, allowed, found bool) {
	for _, t := range w.Transitions {
		if t.Name != name {
			continue
		}
		found = true
		if len(t.From) == 0 {
			return t, true, true
		}
		for _, f := range t.From {
			if f == from {
				return t, true, true
			}
		}
	}
	return Transition{}, false, found
}

// DefaultWorkflow is draft → published.
func DefaultWorkflow() Workflow {
	return Workflow{Name: "default", Initial: StatusDraft,
		States: []WorkflowState{
			{Name: StatusDraft, Label: Text{"fr": "Brouillon", "en": "Draft"}, Color: "grey"},
			{Name: StatusPublished, Label: Text{"fr": "Publié", "en": "Published"}, Color: "green", OnEdit: StatusDraft},
		},
		Transitions: []Transition{publishFrom(StatusDraft, StatusPublished), unpublish()},
	}
}

// LiveWorkflow has one state: what is written is published.
func LiveWorkflow() Workflow {
	return Workflow{Name: "live", Initial: StatusPublished, Live: true, Transitions: []Transition{},
		States: []WorkflowState{{Name: StatusPublished, Label: Text{"fr": "En vigueur", "en": "Live"}, Color: "green"}}}
}

// ReviewWorkflow is draft → in_review → approved → published.
func ReviewWorkflow() Workflow {
	const inReview, approved Status = "in_review", "approved"
	return Workflow{Name: "review", Initial: StatusDraft,
		States: []WorkflowState{
			{Name: StatusDraft, Label: Text{"fr": "Brouillon", "en": "Draft"}, Color: "grey"},
			{Name: inReview, Label: Text{"fr": "En relecture", "en": "In review"}, Color: "amber"},
			{Name: approved, Label: Text{"fr": "Approuvé", "en": "Approved"}, Color: "blue", OnEdit: StatusDraft},
			{Name: StatusPublished, Label: Text{"fr": "Publié", "en": "Published"}, Color: "green", OnEdit: StatusDraft},
		},
		Transitions: []Transition{
			{Name: "submit", From: []Status{StatusDraft}, To: inReview, Label: Text{"fr": "Soumettre à relecture", "en": "Submit for review"}},
			{Name: "approve", From: []Status{inReview}, To: approved, Label: Text{"fr": "Approuver", "en": "Approve"}},
			{Name: "reject", From: []Status{inReview, approved}, To: StatusDraft, Label: Text{"fr": "Renvoyer en brouillon", "en": "Send back"}},
			publishFrom(approved, StatusPublished),
			skipReview(StatusDraft, inReview),
			unpublish(),
		},
	}
}

func publishFrom(from ...Status) Transition {
	return Transition{Name: "publish", From: from, To: StatusPublished, Effect: EffectPublish, Label: Text{"fr": "Publier", "en": "Publish"}}
}

// skipReview publishes what nobody approved: only for those who may approve it themselves.
func skipReview(from ...Status) Transition {
	t := publishFrom(from...)
	t.Needs = []Action{ActionApprove}
	return t
}

func unpublish() Transition {
	return Transition{Name: "unpublish", To: StatusDraft, Effect: EffectUnpublish, Label: Text{"fr": "Dépublier", "en": "Unpublish"}}
}

// Unschedule is the transition of every workflow that takes what is scheduled off again.
const Unschedule = "unschedule"
