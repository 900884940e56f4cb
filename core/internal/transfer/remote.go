package transfer

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"time"

	"github.com/palabre-cms/palabre/core"
)

var _ Destination = (*Remote)(nil)

// Remote writes into a running server.
type Remote struct{ *Client }

// Batch keeps a batch well below what the server takes in one request.
func (r Remote) Batch() (operations, bytes int) { return 250, 1 << 20 }

// remoteOperation is an operation as POST /api/v1/batch reads it.
type remoteOperation struct {
	Op      core.OperationKind `json:"op"`
	Type    core.TypeName      `json:"type"`
	ID      core.EntryID       `json:"id,omitempty"`
	Data    map[string]any     `json:"data,omitempty"`
	Publish bool               `json:"publish,omitempty"`
	Name    string             `json:"name,omitempty"`
	At      *time.Time         `json:"at,omitempty"`
	Match   string             `json:"match,omitempty"`
}

type remoteBatch struct {
	Operations []remoteOperation `json:"operations"`
	Partial    bool              `json:"partial"`
	DryRun     bool              `json:"dryRun,omitempty"`
}

type remoteResults struct {
	Results []remoteResult `json:"results"`
}

type remoteResult struct {
	ID      core.EntryID `json:"id"`
	Created bool         `json:"created"`
	Changed bool         `json:"changed"`
	Entry   struct {
		Slug     string            `json:"slug"`
		Status   core.Status       `json:"_status"`
		Schedule []core.Scheduled  `json:"_schedule"`
		Warnings []core.FieldError `json:"_warnings"`
	} `json:"entry"`
	Error *problem `json:"error"`
}

// Write sends the operations as one partial batch; translations follow, since the API takes one language at a time.
func (r Remote) Write(ctx context.Context, ops []core.Operation, dryRun bool) ([]Outcome, error) {
	translations := make([]map[string]any, len(ops))
	sent := make([]remoteOperation, len(ops))
	for i, op := range ops {
		translations[i], _ = op.Data[core.DocTranslations].(map[string]any)
		sent[i] = asSent(op)
	}
	outcomes, err := r.batch(ctx, sent, dryRun)
	if err != nil || dryRun {
		return outcomes, err
	}
	return outcomes, r.translate(ctx, ops, translations, outcomes)
}

func asSent(op core.Operation) remoteOperation {
	if op.Data != nil {
		delete(op.Data, core.DocTranslations)
		if op.Locale != "" {
			op.Data[core.DocLocale] = string(op.Locale)
		}
	}
	return remoteOperation{Op: op.Op, Type: op.Type, ID: op.ID, Data: op.Data, Publish: op.Publish, Name: op.Transition, At: op.At, Match: op.Match}
}

// batch sends operations at once. Where the server refuses the request as a whole, for what one of them is, halves of
// it are sent, down to the one.
func (r Remote) batch(ctx context.Context, ops []remoteOperation, dryRun bool) ([]Outcome, error) {
	outcomes, err := r.send(ctx, ops, dryRun)
	if err == nil || !refusal(err) {
		return outcomes, err
	}
	if len(ops) == 1 {
		return []Outcome{{Err: ofLine(err, 0)}}, nil
	}
	first, err := r.batch(ctx, ops[:len(ops)/2], dryRun)
	if err != nil {
		return nil, err
	}
	rest, err := r.batch(ctx, ops[len(ops)/2:], dryRun)
	return append(first, rest...), err
}

// refusal reports an error that is about what was sent, not about the server or the caller's rights.
func refusal(err error) bool {
	switch core.CodeOf(err) {
	case core.CodeInvalid, core.CodeBadRequest, core.CodeTooLarge, core.CodeConflict, core.CodeNotFound, core.CodeStale:
		return true
	}
	return false
}

func (r Remote) send(ctx context.Context, ops []remoteOperation, dryRun bool) ([]Outcome, error) {
	var answer remoteResults
	// Repeating is safe with upserts; a create that was lost in between is reported as a conflict.
	err := r.Call(ctx, http.MethodPost, "/api/v1/batch", remoteBatch{Operations: ops, Partial: true, DryRun: dryRun}, &answer, true)
	if err != nil {
		return nil, err
	}
	if len(answer.Results) != len(ops) {
		return nil, core.Errorf(core.CodeInternal, "The server answered %d of %d operations: is it an older version?", len(answer.Results), len(ops))
	}
	outcomes := make([]Outcome, len(ops))
	for i := range answer.Results {
		outcomes[i] = answer.Results[i].outcome(i)
	}
	return outcomes, nil
}

func (r *remoteResult) outcome(i int) Outcome {
	o := Outcome{ID: r.ID, Created: r.Created, Changed: r.Changed, Published: r.Entry.Status == core.StatusPublished, Schedule: r.Entry.Schedule, Slug: r.Entry.Slug,
		Warnings: r.Entry.Warnings}
	if r.Error != nil {
		o.Err = ofLine(r.Error.err(), i)
	}
	return o
}

// ofLine makes the places in an error lead into the line's document, as those of a store of one's own do.
func ofLine(err error, operation int) error {
	e, ok := core.AsError(err)
	if !ok {
		return err
	}
	own := *e
	own.Fields = nil
	for _, f := range e.Fields {
		f.Pointer = strings.TrimPrefix(f.Pointer, fmt.Sprintf("/operations/%d", operation))
		f.Pointer = strings.TrimPrefix(f.Pointer, "/data")
		own.Fields = append(own.Fields, f)
	}
	return &own
}

// translate sends the translations of what went in.
func (r Remote) translate(ctx context.Context, ops []core.Operation, translations []map[string]any, outcomes []Outcome) error {
	var updates []remoteOperation
	var of []int
	for i := range ops {
		if outcomes[i].Err != nil {
			continue
		}
		for _, locale := range sortedKeys(translations[i]) {
			if data, ok := translations[i][locale].(map[string]any); ok {
				data[core.DocLocale] = locale
				updates = append(updates, remoteOperation{Op: core.OperationUpdate, Type: ops[i].Type, ID: outcomes[i].ID, Data: data, Publish: ops[i].Publish})
				of = append(of, i)
			}
		}
	}
	if len(updates) == 0 {
		return nil
	}
	translated, err := r.batch(ctx, updates, false)
	for j := range translated {
		o := &outcomes[of[j]]
		o.Changed = o.Changed || translated[j].Changed
		if translated[j].Err != nil {
			o.Err = translated[j].Err
		}
	}
	return err
}

// Has reports whether the server has an entry.
func (r Remote) Has(ctx context.Context, name core.TypeName, id core.EntryID) (bool, error) {
	path := "/api/v1/content/" + url.PathEscape(string(name)) + "/" + url.PathEscape(string(id)) + "?state=draft&fields=_id"
	err := r.Call(ctx, http.MethodGet, path, nil, nil, true)
	if core.CodeOf(err) == core.CodeNotFound {
		return false, nil
	}
	return err == nil, err
}

// RemoteType is a content type as a server lists it.
type RemoteType struct {
	Name   core.TypeName `json:"name"`
	Label  core.Text     `json:"label"`
	Public bool          `json:"public"`
	Schema core.Doc      `json:"schema"`
}

// Types lists the types that the token may see.
func (c *Client) Types(ctx context.Context) ([]RemoteType, error) {
	var answer struct {
		Data []RemoteType `json:"data"`
	}
	err := c.Call(ctx, http.MethodGet, "/api/v1/types", nil, &answer, true)
	sort.Slice(answer.Data, func(i, j int) bool { return answer.Data[i].Name < answer.Data[j].Name })
	return answer.Data, err
}
