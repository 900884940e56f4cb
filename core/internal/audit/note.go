package audit

import (
	"context"
	"encoding/json"
	"strconv"
	"sync"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

const (
	// mostFailures is how many sign-ins that failed are noted one by one in a minute, on each node.
	mostFailures = 60
	floodWindow  = time.Minute
	// noteWithin bounds how long noting may take; it does not depend on whether whoever caused it still listens.
	noteWithin = 10 * time.Second
)

// Note implements core.Auditor. It returns when the event is in the log. Of sign-ins that fail in a flood some are only
// counted; the next one that is noted has their number in its count, and where none follows, one in the system's name.
func (t *Trail) Note(ctx context.Context, who *core.Principal, e core.AuditEvent) error {
	if e.Event == core.AuditSignInFailed {
		told, admitted := t.flood.admit(t.Now(), max(1, e.Count))
		if !admitted {
			return nil
		}
		e.Count = told
	}
	return t.note(ctx, who, e)
}

// note goes on when the caller leaves: what he did he has done.
func (t *Trail) note(ctx context.Context, who *core.Principal, e core.AuditEvent) error {
	data, err := document(who, e)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteWithin)
	defer cancel()
	as := &core.Principal{ID: who.ID, Kind: core.System.Kind, Roles: core.System.Roles}
	op := core.Operation{Op: core.OperationCreate, Type: Type, Data: data}
	_, err = t.Content.Write(ctx, as, []core.Operation{op}, core.WriteOptions{Reason: "audit"})
	return core.Wrap("audit.Note", err)
}

// document is the event as an entry of _audit.
func document(who *core.Principal, e core.AuditEvent) (map[string]any, error) {
	data := map[string]any{"event": e.Event, "by": who.ID}
	if e.Type != "" {
		data["type"] = string(e.Type)
	}
	if e.Entry != "" {
		data["entry"] = string(e.Entry)
	}
	if e.Count != 0 {
		data["count"] = json.Number(strconv.Itoa(e.Count))
	}
	if len(e.Detail) == 0 {
		return data, nil
	}
	text, err := json.Marshal(e.Detail)
	if err != nil {
		return nil, core.Wrap("audit.Note", err)
	}
	data["detail"], err = jsondoc.DecodeObject(text, jsondoc.Default)
	return data, core.Wrap("audit.Note", err)
}

// flood bounds how many events of a kind are noted one by one. The zero flood is ready.
type flood struct {
	mu    sync.Mutex
	begun time.Time // of the window
	noted int       // in it
	held  int       // events that were only counted
}

// admit reports whether an event that stands for n may be noted, and for how many it then stands with those held back
// before.
func (f *flood) admit(now time.Time, n int) (told int, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now.Sub(f.begun) >= floodWindow || now.Before(f.begun) {
		f.begun, f.noted = now, 0
	}
	if f.noted >= mostFailures {
		f.held += n
		return 0, false
	}
	told, f.held = n+f.held, 0
	f.noted++
	return told, true
}

// release gives how many events were held back in a window that is over, once.
func (f *flood) release(now time.Time) (held int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now.Sub(f.begun) < floodWindow {
		return 0
	}
	held, f.held = f.held, 0
	return held
}

// putBack holds events back again that could not be told.
func (f *flood) putBack(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held += n
}

// tellHeld notes what a flood that is over has held back.
func (t *Trail) tellHeld(ctx context.Context) error {
	held := t.flood.release(t.Now())
	if held == 0 {
		return nil
	}
	err := t.note(ctx, core.System, core.AuditEvent{Event: core.AuditSignInFailed, Count: held})
	if err != nil {
		t.flood.putBack(held)
	}
	return err
}
