package account

import (
	"context"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

const (
	// mostRevoked is how many tokens go in the commit of a password. What is beyond goes in those that follow.
	mostRevoked = 1000
	// revokeAttempts is how often a password is written anew when a token that was to go with it has gone already.
	revokeAttempts = 5
)

// tokenLine is as much of an entry of _token as its revocation needs to know.
type tokenLine struct {
	id, user core.EntryID
	by       string // the principal who has made it
	made     time.Time
	trashed  bool
}

// tokensOf lists the tokens of an account: those that act for it, those that it has made, and those that were made with any
// of these. Whoever had the account may have left himself one.
func (s *Service) tokensOf(ctx context.Context, id core.EntryID) (found []tokenLine, err error) {
	lines, err := s.tokenLines(ctx)
	its := map[string]bool{"user:" + string(id): true}
	for grown := true; grown; {
		grown = false
		for _, l := range lines {
			name := "token:" + string(l.id)
			if its[name] || l.user != id && !its[l.by] {
				continue
			}
			its[name], grown = true, true
			if !l.trashed {
				found = append(found, l)
			}
		}
	}
	return found, err
}

func (s *Service) tokenLines(ctx context.Context) (lines []tokenLine, err error) {
	err = s.c.Catalog.Each(ctx, tokenType, "", func(e *core.Entry) error {
		doc, err := jsondoc.ParseObject(e.Latest())
		lines = append(lines, tokenLine{id: e.ID, user: refOf(doc["user"]), by: e.CreatedBy, made: e.CreatedAt, trashed: e.Trashed()})
		return err
	})
	return lines, core.Wrap("account.tokenLines", err)
}

func revocations(tokens []tokenLine) []core.Operation {
	var ops []core.Operation
	for _, t := range tokens[:min(len(tokens), mostRevoked)] {
		ops = append(ops, core.Operation{Op: core.OperationDelete, Type: tokenType, ID: t.id})
	}
	return ops
}

// writeRevoking writes a password, and in the same commit the end of the account's tokens. Afterwards it looks for those that
// were made meanwhile, with sessions that have ended now.
func (s *Service) writeRevoking(ctx context.Context, id core.EntryID, reason string, ops ...core.Operation) error {
	for attempt := 1; ; attempt++ {
		tokens, err := s.tokensOf(ctx, id)
		if err != nil {
			return err
		}
		err = s.write(ctx, id, reason, append(ops[:len(ops):len(ops)], revocations(tokens)...)...)
		if err == nil {
			return s.revoke(ctx, id, reason, time.Time{})
		}
		if core.CodeOf(err) != core.CodeNotFound || attempt == revokeAttempts {
			return err
		}
	}
}

// revoke ends the tokens of an account that were made until a time; the zero time is for all.
func (s *Service) revoke(ctx context.Context, id core.EntryID, reason string, until time.Time) error {
	tokens, err := s.tokensOf(ctx, id)
	if err != nil {
		return err
	}
	var due []tokenLine
	for _, t := range tokens {
		if until.IsZero() || !t.made.After(until) {
			due = append(due, t)
		}
	}
	for len(due) > 0 {
		ops := revocations(due)
		r, err := s.c.Content.Write(ctx, own(id), ops, core.WriteOptions{Reason: reason, Partial: true})
		if err == nil {
			err = firstFault(r)
		}
		if err != nil {
			return err
		}
		due = due[len(ops):]
	}
	return nil
}

// resets reports whether a change of a password is a reset: somebody else makes it, for an account whose owner has lost his
// or may have lost it to others.
func (v *verdict) resets(id core.EntryID) bool { return v.who.Kind != "user" || v.who.Entry() != id }

// revokeAfter ends the tokens of the accounts whose passwords a write has reset. It is done again when the write is, but then
// spares what was made since.
func (v *verdict) revokeAfter(ctx context.Context, r *core.Result) error {
	for i, op := range v.ops {
		if !v.reset[op.ID] || i >= len(r.Items) || r.Items[i].Err != nil {
			continue
		}
		var until time.Time
		if e := r.Items[i].Entry; r.Replayed && e != nil {
			until = e.UpdatedAt
		}
		if err := v.s.revoke(ctx, op.ID, "password_reset", until); err != nil {
			return err
		}
	}
	return nil
}
