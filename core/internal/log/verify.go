package log

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/palabre-cms/palabre/core"
)

// MaxProblems is how many problems a Report lists; it counts them all.
const MaxProblems = 100

// verifyPage is how many commits Verify reads at once.
const verifyPage = 500

// Report is what Verify found.
type Report struct {
	Position core.Position // up to where the log was read
	Entries  int           // that exist at that position
	Changes  int           // of all commits
	Redacted int           // changes that an erasure has rewritten, as recorded
	Forgot   int           // commits of which it was forgotten where they came from
	Problems []Problem     // the first of them
	Found    int           // all of them
}

// Problem is one thing that is wrong with a commit.
type Problem struct {
	Position core.Position
	Message  string
}

// OK reports whether nothing is wrong.
func (r *Report) OK() bool { return r.Found == 0 }

// Verify reads a whole log and checks that its positions have no gaps, that every commit has the sum that the chain
// asks for, that whatever was rewritten since belongs to a recorded erasure, done or under way, and that the changes of each entry follow
// each other. progress, which may be nil, is told from time to time how far it has come. The error says that the log
// could not be read; what is wrong with it stands in the report.
func Verify(ctx context.Context, l core.Log, progress func(done, total core.Position)) (*Report, error) {
	last, err := l.Last(ctx)
	if err != nil {
		return nil, err
	}
	v := &verifier{entries: map[core.EntryID]*track{}, rewritten: map[core.EntryID]core.Position{}, begun: map[core.EntryID]core.Position{}}
	for at := core.Position(1); at <= last; at = v.Position + 1 {
		page, err := l.Read(ctx, at, int(min(verifyPage, last-at+1)))
		switch {
		case core.CodeOf(err) == core.CodeInternal:
			v.unreadable(at, err)
		case err != nil:
			return nil, err
		case len(page) == 0:
			v.unreadable(at, fmt.Errorf("commit %d is missing", at))
		}
		for i := range page {
			v.commit(&page[i])
		}
		if progress != nil {
			progress(v.Position, last)
		}
	}
	v.finish()
	return &v.Report, nil
}

type verifier struct {
	Report
	sum       string
	unknown   bool // the sum of the commit before is not known
	entries   map[core.EntryID]*track
	rewritten map[core.EntryID]core.Position // the last rewritten change of entries without a later erasure
	begun     map[core.EntryID]core.Position // the last beginning of an erasure, which records its end once all is rewritten
}

// track is what the next change of an entry must follow.
type track struct {
	name             core.TypeName
	rev              int64
	draft, published bool
	purged           bool
}

func (v *verifier) problem(p core.Position, format string, args ...any) {
	v.Found++
	if len(v.Problems) < MaxProblems {
		v.Problems = append(v.Problems, Problem{p, fmt.Sprintf(format, args...)})
	}
}

func (v *verifier) unreadable(at core.Position, err error) {
	message := err.Error()
	if e, ok := core.AsError(err); ok && e.Message != "" {
		message = e.Message
	}
	v.problem(at, "%s", message)
	v.Position, v.unknown = at, true
}

func (v *verifier) commit(c *core.Commit) {
	if c.Position != v.Position+1 {
		v.problem(v.Position+1, "commit %d is missing: %d comes in its place", v.Position+1, c.Position)
	} else if err := c.Verify(v.sum); err != nil && !v.unknown {
		v.problem(c.Position, "%s", err)
	}
	v.Position, v.sum, v.unknown = c.Position, c.Sum, false
	if c.Forgotten() {
		v.Forgot++
	}
	for _, i := range c.Redacted() {
		v.rewritten[c.Changes[i].Entry] = c.Position
		v.Redacted++
	}
	for i := range c.Changes {
		v.Changes++
		v.change(c.Position, &c.Changes[i])
	}
	v.begin(c)
}

// begin notes the entries of an erasure that begins with a commit: those that its record names, and what is purged with them.
func (v *verifier) begin(c *core.Commit) {
	for i := range c.Changes {
		var record struct {
			State   string              `json:"state"`
			Entries []core.ErasureEntry `json:"entries"`
		}
		ch := &c.Changes[i]
		if ch.Type != "_erasure" || ch.Action != core.ActionCreate || json.Unmarshal(ch.Published, &record) != nil || record.State != "pending" {
			continue
		}
		for _, e := range record.Entries {
			v.begun[e.ID] = c.Position
		}
		for k := range c.Changes {
			if c.Changes[k].Op == core.OpPurge {
				v.begun[c.Changes[k].Entry] = c.Position
			}
		}
	}
}

func (v *verifier) change(p core.Position, c *core.Change) {
	switch c.Op {
	case core.OpRedact:
		delete(v.rewritten, c.Entry)
	case core.OpPut:
		v.put(p, c)
	case core.OpPurge:
		v.purge(p, c)
	default:
		v.problem(p, "the change of entry %s has an operation that is not known: %q", c.Entry, c.Op)
	}
}

func (v *verifier) put(p core.Position, c *core.Change) {
	t := v.entries[c.Entry]
	if t == nil {
		t = &track{name: c.Type}
		v.entries[c.Entry] = t
	}
	if t.name != c.Type && !t.purged {
		v.problem(p, "entry %s was a %s and becomes a %s", c.Entry, t.name, c.Type)
	}
	if c.Meta.Rev != t.rev+1 && !(t.purged && c.Meta.Rev == 1) {
		v.problem(p, "entry %s goes from revision %d to %d", c.Entry, t.rev, c.Meta.Rev)
	}
	t.rev, t.name, t.purged = c.Meta.Rev, c.Type, false
	t.draft, t.published = after(t.draft, c.Draft), after(t.published, c.Published)
	if !t.draft && !t.published {
		v.problem(p, "entry %s has neither a draft nor a published document", c.Entry)
	}
	if t.published != (c.Meta.Live != nil) {
		v.problem(p, "entry %s does not agree with itself on whether it is published", c.Entry)
	}
}

func (v *verifier) purge(p core.Position, c *core.Change) {
	t := v.entries[c.Entry]
	if t == nil || t.purged {
		v.problem(p, "entry %s is purged without having existed", c.Entry)
		return
	}
	if c.Meta.Rev != t.rev && c.Meta.Rev != t.rev+1 {
		v.problem(p, "entry %s is purged at revision %d, not %d", c.Entry, c.Meta.Rev, t.rev)
	}
	*t = track{name: t.name, rev: c.Meta.Rev, purged: true}
}

// after reports whether a document is there after a change.
func after(there bool, change core.Doc) bool {
	if change == nil {
		return there
	}
	return !core.IsNull(change)
}

func (v *verifier) finish() {
	for _, entry := range slices.Sorted(maps.Keys(v.rewritten)) {
		if v.rewritten[entry] <= v.begun[entry] {
			continue // the erasure is under way, or was interrupted and goes on at the next start
		}
		v.problem(v.rewritten[entry], "the change of entry %s was rewritten, and no erasure of it is recorded", entry)
	}
	for _, t := range v.entries {
		if !t.purged {
			v.Entries++
		}
	}
}
