package core

import (
	"context"
	"time"
)

// Auditor tells who did what, when, from where. Writes are in the log; what is no write, as a sign-in that failed or an
// export, is noted there as an entry of _audit. The trail is a view of the log, and as hard to alter.
type Auditor interface {
	// Note records an event that is no write.
	Note(ctx context.Context, who *Principal, e AuditEvent) error
	// Find pages through the trail, the newest line first. Only who may list _audit is answered.
	Find(ctx context.Context, who *Principal, q AuditQuery) (*AuditPage, error)
}

// The events of the trail that are no writes.
const (
	AuditSignIn       = "sign_in"
	AuditSignInFailed = "sign_in_failed"
	AuditSignOut      = "sign_out"
	AuditExport       = "export"
	AuditBackup       = "backup"
	AuditErasure      = "erasure"
	AuditSweep        = "retention_sweep"
	AuditSubject      = "subject_search"
)

// AuditEvent is something that happened and is no write.
type AuditEvent struct {
	Event  string         // one of the above, or a plugin's own
	Type   TypeName       // what it was about, where it was about a type or an entry
	Entry  EntryID        //
	Count  int            // of entries exported, of failures told at once
	Detail map[string]any // figures and names; never a secret, and no personal data but the actor's
}

// AuditQuery narrows the trail. Zero values are no restriction.
type AuditQuery struct {
	By      string // a Principal's ID
	Event   string // an event, or the action of a write: "publish"
	Type    TypeName
	Entry   EntryID
	Address string
	Since   time.Time // at or after
	Until   time.Time // before
	Before  string    // a cursor: AuditPage.Next
	Limit   int       // 1 to 200; 50 when 0
}

// The lines of a page of the trail.
const (
	auditLimit    = 50
	auditMaxLimit = 200
)

// PageLimit is how many lines the page has at most.
func (q *AuditQuery) PageLimit() int {
	if q.Limit == 0 {
		return auditLimit
	}
	return min(max(q.Limit, 1), auditMaxLimit)
}

// AuditPage is a page of the trail.
type AuditPage struct {
	Data []AuditLine `json:"data"`
	Next string      `json:"next,omitempty"` // "" on the last page
}

// AuditLine is one line of the trail: one change of one entry, or one event.
type AuditLine struct {
	Position Position       `json:"position"` // of the commit that holds it: log verify vouches for it
	At       time.Time      `json:"at"`
	By       string         `json:"by"`
	Event    string         `json:"event"`
	Type     TypeName       `json:"type,omitempty"`
	Entry    EntryID        `json:"entry,omitempty"`
	Rev      int64          `json:"rev,omitempty"`
	Reason   string         `json:"reason,omitempty"` // of the commit
	Comment  string         `json:"comment,omitempty"`
	Origin   *Origin        `json:"origin,omitempty"`
	Count    int            `json:"count,omitempty"`
	Detail   map[string]any `json:"detail,omitempty"`
}
