// Package audit is the trail: who did what, when, from where.
//
// Every write is in the log anyhow. What is no write, as a sign-in that failed or an export, is noted there too, as an
// entry of the system type _audit, which nobody can change. So the trail is whole, in order, and as hard to alter as the
// log, whose sums vouch for it.
//
// What answers questions is a view: one SQLite file with a line for each change of each commit, and for a noted event the
// line of the event. The view follows the log and holds nothing that the log has not; one that is damaged, of another
// format or of another log is thrown away and made anew. Where a request came from is personal data: after a time it is
// forgotten, in the log and here.
//
// Whoever may list _audit sees every line, also those about entries that he may not see himself: an auditor who is
// shown a part only cannot audit. The lines hold no content.
//
//	note.go       noting what is no write
//	line.go       commits become lines
//	file.go       the view on disk
//	follow.go     the view follows the log
//	find.go       questions
//	retention.go  origins are forgotten
package audit

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// Type is the system type whose entries are the events that are no writes.
const Type core.TypeName = "_audit"

// Config is what Open needs. Now, Logger and Patience may be left out.
type Config struct {
	Path    string // of the view's file
	Log     core.Log
	Content core.Content
	Types   core.Types
	Access  core.Access
	Now     func() time.Time // by which floods are measured; the machine's
	Logger  *slog.Logger
	// Patience is how long a question waits for a view that is behind the log; 5 seconds when zero.
	Patience time.Duration
}

// Trail implements core.Auditor. Its methods may be called at once; those that look at the view get as far as Run has
// brought it.
type Trail struct {
	Config
	flood flood

	taking sync.Mutex   // held from the reading of commits to their being lines
	mu     sync.RWMutex // held for reading while the file is used, for writing while it is replaced
	file   *file
	lost   bool // there is no file that can be used

	at struct {
		sync.Mutex
		position core.Position
		settled  bool          // whether the view was found to be of this log
		moved    chan struct{} // closed when one of them changes
		again    func()        // has Run begin anew; nil before it has begun
	}
}

var _ core.Auditor = (*Trail)(nil)

// Open opens the view, making it anew where it cannot be used. Run must follow the log for it to know anything.
func Open(c Config) (*Trail, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Patience == 0 {
		c.Patience = 5 * time.Second
	}
	t := &Trail{Config: c}
	t.at.moved = make(chan struct{})
	var err error
	if t.file, err = openFile(c.Path); err != nil {
		return nil, err
	}
	state, err := t.file.state(context.Background())
	t.at.position = state.position
	return t, err
}

// Close closes the view. Run must have ended.
func (t *Trail) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.file.close()
}

// move tells those who wait how far the view is now.
func (t *Trail) move(to core.Position, settled bool) {
	t.at.Lock()
	defer t.at.Unlock()
	t.at.position, t.at.settled = to, settled
	close(t.at.moved)
	t.at.moved = make(chan struct{})
}

// reached gives how far the view is, whether that counts, and what tells when it has moved.
func (t *Trail) reached() (at core.Position, settled bool, moved <-chan struct{}) {
	t.at.Lock()
	defer t.at.Unlock()
	return t.at.position, t.at.settled, t.at.moved
}
