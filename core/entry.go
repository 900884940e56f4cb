package core

import (
	"encoding/json"
	"time"
)

// Doc is the JSON text of one entry's fields: an object, compact, its keys in the order of the type.
// A translation of localised fields stands under the reserved key "_i18n", by locale, as an overlay that is
// laid over the document's own language "_locale" (see Type.Localize).
type Doc = json.RawMessage

// Status is the name of a workflow state: "draft", "in_review", "published". Each type's workflow lists its own.
type Status string

// The states that every workflow has.
const (
	StatusDraft     Status = "draft"
	StatusPublished Status = "published"
)

// State names which documents of a type a reader looks at.
type State string

const (
	StatePublished State = "published" // what the public sees
	StateDraft     State = "draft"     // the latest: the draft where there is one, else the published document
	StateTrash     State = "trash"     // deleted, until restored or purged
)

// Entry is everything that is stored under one identifier: the fold of its changes in the log.
// At least one of Draft and Published is set, unless the entry was purged (and then there is no Entry).
type Entry struct {
	Type TypeName `json:"type"`
	ID   EntryID  `json:"id"`
	Meta
	Draft     Doc `json:"draft,omitempty"`     // nil when nothing differs from Published
	Published Doc `json:"published,omitempty"` // nil when not published
}

// Meta is what the system keeps about an entry beside its documents. Every change carries all of it.
type Meta struct {
	Rev         int64       `json:"rev"`                   // 1, 2, 3, …: counts this entry's changes
	Status      Status      `json:"status"`                // where the latest document stands in its workflow
	CreatedAt   time.Time   `json:"createdAt"`             // all times are the store's, in UTC
	CreatedBy   string      `json:"createdBy,omitempty"`   // a Principal's ID
	UpdatedAt   time.Time   `json:"updatedAt"`             // the last change of any kind
	UpdatedBy   string      `json:"updatedBy,omitempty"`   //
	PublishedAt *time.Time  `json:"publishedAt,omitempty"` // the first publication; kept when unpublished
	Live        *Live       `json:"live,omitempty"`        // set exactly while Published is
	TrashedAt   *time.Time  `json:"trashedAt,omitempty"`   // set while in the trash
	Slugs       []string    `json:"slugs,omitempty"`       // former published slugs, oldest first: they still find the entry
	Schedule    []Scheduled `json:"schedule,omitempty"`    // transitions to come, by time
}

// Live is what the public may know of the published document. A later draft must not move any of it.
type Live struct {
	Rev int64     `json:"rev"` // the revision that was published
	At  time.Time `json:"at"`  // when that was: the public answer's _updatedAt
}

// Scheduled is a transition that is due at a time. Reads apply its Effect when the time has come, whether
// or not a commit has recorded it yet, so that an expiry holds even while nothing can be written.
type Scheduled struct {
	Transition string    `json:"transition"`
	To         Status    `json:"to"`
	Effect     Effect    `json:"effect"`
	At         time.Time `json:"at"`
	By         string    `json:"by"`
}

// Latest gives the document that editors work on.
func (e *Entry) Latest() Doc {
	if e.Draft != nil {
		return e.Draft
	}
	return e.Published
}

// Trashed reports whether the entry lies in the trash.
func (e *Entry) Trashed() bool { return e.TrashedAt != nil }

// At gives the entry as it stands for readers at a time: every scheduled effect that is due has been applied,
// the revision unchanged. It returns e itself when nothing is due.
func (e *Entry) At(now time.Time) *Entry {
	if len(e.Schedule) == 0 || e.Schedule[0].At.After(now) || e.Trashed() {
		return e
	}
	due := *e
	for len(due.Schedule) > 0 && !due.Schedule[0].At.After(now) {
		due.perform(due.Schedule[0])
		due.Schedule = due.Schedule[1:]
	}
	return &due
}

func (e *Entry) perform(s Scheduled) {
	e.Status = s.To
	switch s.Effect {
	case EffectPublish:
		e.Published, e.Draft = e.Latest(), nil
		e.Live = &Live{Rev: e.Rev, At: s.At}
		if e.PublishedAt == nil {
			at := s.At
			e.PublishedAt = &at
		}
	case EffectUnpublish:
		e.Draft, e.Published, e.Live = e.Latest(), nil, nil
	}
}

// NextDue gives the next moment at which the entry changes by itself, or the zero time.
func (e *Entry) NextDue() time.Time {
	if len(e.Schedule) == 0 || e.Trashed() {
		return time.Time{}
	}
	return e.Schedule[0].At
}

// View is one entry as it stands in a State, ready to be shown.
type View struct {
	Type        TypeName
	ID          EntryID
	Rev         int64 // of what is shown: a draft beside does not move it
	Status      Status
	CreatedAt   time.Time
	UpdatedAt   time.Time
	PublishedAt time.Time // zero when never published
	CreatedBy   string
	UpdatedBy   string
	TrashedAt   time.Time   // zero outside the trash
	Schedule    []Scheduled // only in StateDraft and StateTrash
	Public      bool        // whether a published document exists
	Doc         Doc
	Score       float64             // with Query.Text: the relevance, higher first
	Highlights  map[string][]string // with Query.Highlight: field path → fragments of escaped HTML with <mark>
	Distance    float64             // with Query.Near: metres
}

// View shows the entry in a state, or reports that it is not there. Call it on what Entry.At gave.
func (e *Entry) View(s State) (View, bool) {
	v := View{Type: e.Type, ID: e.ID, Rev: e.Rev, Status: e.Status, CreatedAt: e.CreatedAt, UpdatedAt: e.UpdatedAt,
		CreatedBy: e.CreatedBy, UpdatedBy: e.UpdatedBy, Schedule: e.Schedule, Public: e.Published != nil, Doc: e.Latest()}
	if e.PublishedAt != nil {
		v.PublishedAt = *e.PublishedAt
	}
	if e.Trashed() {
		v.TrashedAt = *e.TrashedAt
		return v, s == StateTrash
	}
	if s == StatePublished {
		if e.Published == nil || e.Live == nil {
			return v, false
		}
		v.Doc, v.Rev, v.Status, v.UpdatedAt, v.UpdatedBy, v.Schedule = e.Published, e.Live.Rev, StatusPublished, e.Live.At, "", nil
	}
	return v, s != StateTrash
}
