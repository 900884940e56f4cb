package core

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// PluginView is a view that a plugin keeps: a table of its own, which is a function of the log's commits.
type PluginView struct {
	ViewName
	// Version is of what Fold does: with another one, for other types, or when what they keep secret has changed, the table is made
	// anew.
	Version int
	Types   []TypeName // whose changes it is made from; none are all but the system's
	// Fold takes in the next commit. It must be pure: the same table and the same commit give the same table, on every node and
	// at any time. The commit is a copy with the changes of Types alone, and without what is the log's own: its key, origin, sum
	// and salts. Table is for the length of the call.
	Fold func(t Table, c Commit) error
	// Folded is told of each call, and Failed of those that failed. They must not wait. Either may be nil.
	Folded func(took time.Duration, err error)
	Failed func(f *ViewFault)
}

// ViewName is what a view is known by.
type ViewName struct {
	Plugin string `json:"plugin"`
	Name   string `json:"name"`
}

// Table is a view's table as its Fold sees it: JSON values by text keys, in the order of the keys' bytes. What goes wrong with
// it needs no looking after: the fold has failed then, whatever it gives back, and nothing of it stays.
type Table interface {
	// Get gives a value, nil where there is none.
	Get(key string) json.RawMessage
	// Put sets a value, which must be JSON of at most 1 MiB. A key is text of 1 to 1000 bytes. The fold of one commit may write
	// 32 MiB and 20,000 keys.
	Put(key string, value json.RawMessage)
	// Delete takes a value away, if it is there.
	Delete(key string)
	// Scan gives the rows whose keys begin with a prefix, after a key ("" for from the first on): at most limit, and never more
	// than 1000, which 0 stands for. It ends early with the row with which it gives 4 MiB, so there are no more only after one that
	// gives none.
	Scan(prefix, after string, limit int) []Row
}

// Row is one value of a table.
type Row struct {
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value"`
}

// ViewFault is a failure of a view's Fold.
type ViewFault struct {
	At    Position // of the commit that Fold failed at
	Err   error
	Stack string // of a panic
}

func (f *ViewFault) Error() string { return fmt.Sprintf("at the commit %d: %v", f.At, f.Err) }

// Unwrap gives the cause.
func (f *ViewFault) Unwrap() error { return f.Err }

// How a view stands.
const (
	ViewLevel      ViewStanding = "level"       // it is where the catalog is, and moves with it
	ViewCatchingUp ViewStanding = "catching_up" // it is brought there beside, and cannot be read
	ViewFailed     ViewStanding = "failed"      // it was set aside where it was last whole
)

// ViewStanding is how a view stands on this node.
type ViewStanding string

// ViewStatus tells of one view.
type ViewStatus struct {
	Name     string       `json:"name"`
	Version  int          `json:"version"`
	Standing ViewStanding `json:"standing"`
	Position Position     `json:"position"` // of the last commit that is in it
	Fault    string       `json:"fault,omitempty"`
}

// PluginViews keeps the plugins' views in the catalog. A view that is level is saved in the transaction in which the catalog
// saves a commit: whoever has waited for a position finds in it what was committed up to there.
type PluginViews interface {
	// Follow takes a view on, and gives what keeps it until ctx ends, which must be called: that brings it up to the catalog out of
	// the log, beside reads and writes, and then has it move with the catalog. One whose Fold returns an error or panics is set
	// aside where it was. One whose Fold takes more than 250 ms for a commit, and 1 ms for each change, goes on beside, where it has 10 s,
	// and is set aside when that is too little too. One that has much to take in at once goes on beside as well. A view that is
	// followed under the same name already is followed for the newer caller alone.
	Follow(log Log, v *PluginView) (keep func(ctx context.Context))
	// WaitForView returns when a view can be read, or with what ViewValue says of one that failed. It waits for one that is not
	// followed yet.
	WaitForView(ctx context.Context, name ViewName) error
	// ViewValue gives a value, CodeNotFound where there is none. CodeUnavailable with the reason "catching_up", "view_failed" or
	// "view_off", for one that is not followed, when the view cannot be read.
	ViewValue(ctx context.Context, name ViewName, key string) (json.RawMessage, error)
	// ViewRows gives rows as Table.Scan does, with ViewValue's errors.
	ViewRows(ctx context.Context, name ViewName, prefix, after string, limit int) ([]Row, error)
	// Views tells of a plugin's views that are followed, by name.
	Views(plugin string) []ViewStatus
	// DropViews drops the tables of a plugin's views, but for some. A view that is followed is then made anew. The bytes may lie in
	// free parts of the file until the catalog is rebuilt.
	DropViews(ctx context.Context, plugin string, but ...string) error
}
