// Package privacy looks after personal data: what the content types declare with x-personal.
//
// The register is made of the types alone. A search reads every entry and, for what only stood in earlier versions, every
// commit; it compares without regard to case and accents, telephone numbers by their figures.
//
// An erasure is made so that it can be interrupted anywhere and goes on at the next start:
//
//  1. The new documents are worked out (anonymise.go): a personal field is taken out, or, where its type asks for a value,
//     gets one that names nobody. What cannot be made to fit its type is refused and left.
//  2. One commit puts them in the place of the old ones, or purges entries, and holds an entry of _erasure that is pending.
//  3. Every earlier change of these entries is rewritten (rewrite.go), in two passes. First goes what is known by the values
//     that are erased: slugs that were made from them, remarks that hold them, members that the type has no more. Then go the
//     values: what is personal now, and what was under an earlier schema of the type. In this order, whoever goes on after an
//     interruption has the values for as long as he needs them.
//  4. The log shreds what was replaced, where it can, and the catalog is made anew: its old files go.
//  5. One commit records, for each entry, that its past was rewritten, and the erasure is done. Other nodes take that as the
//     sign to make their catalogs anew.
//
// Only declared fields, and slugs made from them, are touched, unless others are named. A name in another field of the same
// entry, as a title, is told as a mention by a search, in earlier versions too (history.go). The reason of an erasure and its
// record name nobody.
package privacy

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// Parts is what New needs. Compiler, Keeper, Auditor, Mine, Settle and Logger may be left out.
type Parts struct {
	Types    core.Types
	Catalog  core.Catalog
	Content  core.Content
	Log      core.Log
	Access   core.Access
	Compiler core.Compiler      // reads the earlier schemas of types, to know what was personal then
	Keeper   core.CatalogKeeper // makes this node's catalog anew after an erasure
	Auditor  core.Auditor       // is told of searches, exports, erasures and sweeps
	Now      func() time.Time
	// Mine is called before the last commit of an erasure whose catalog this node has made anew already.
	Mine func(erasure core.EntryID)
	// Settle waits until whatever else on this node is made from the log has taken in what is at its end.
	Settle func(ctx context.Context) error
	Logger *slog.Logger
}

// Service implements core.Privacy. Its methods may be called at once; erasures go one after the other.
type Service struct {
	Parts
	finishing sync.Mutex
}

var _ core.Privacy = (*Service)(nil)

// New makes the service.
func New(p Parts) *Service {
	if p.Now == nil {
		p.Now = time.Now
	}
	if p.Mine == nil {
		p.Mine = func(core.EntryID) {}
	}
	if p.Logger == nil {
		p.Logger = slog.New(slog.DiscardHandler)
	}
	return &Service{Parts: p}
}

// record is the system type whose rights decide, and whose entries are the erasures.
const record core.TypeName = "_erasure"

// permit asks for the caller's right on the record. One that is limited to some rows of it is none: what is asked about
// here lies in all types.
func (s *Service) permit(ctx context.Context, who *core.Principal, action core.Action) error {
	t, ok := s.Types.Type(record)
	if !ok {
		return core.NoType(record)
	}
	scope, err := s.Access.Scope(ctx, who, t, action)
	if err != nil {
		return err
	}
	if scope.Where != nil {
		return core.Refuse(core.CodeForbidden, "", "This needs a right on erasures without conditions. Ask an administrator.",
			"Il faut un droit sans condition sur les effacements. Demandez à un administrateur.")
	}
	return nil
}

// note leaves a line in the audit. What cannot be noted must not be told.
func (s *Service) note(ctx context.Context, who *core.Principal, event string, count int, detail map[string]any) error {
	if s.Auditor == nil {
		return nil
	}
	return core.Wrap("privacy.note", s.Auditor.Note(ctx, who, core.AuditEvent{Event: event, Count: count, Detail: detail}))
}
