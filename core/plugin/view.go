package plugin

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"

	"github.com/palabre-cms/palabre/core"
)

// View is a table that is made from what was committed, and from nothing else: it answers what no query can, as what
// happened when, or what would have to be counted anew each time.
//
// Fold takes in one commit after the other. It must be pure: what it writes depends on the table and the commit alone, never on
// the time, settings, other entries, or what it remembers. So every node has the same table, and it can be thrown away and made
// again. The commit has the changes of Types only; each carries all of the entry's Meta, and those of its documents that it
// changed: one that is nil is as it was, core.NullDoc was removed. What it needs to know of an entry later, a fold keeps
// in its table. What falls due by time (an embargo, an expiry) reaches it with the commit that records it, a moment later.
//
// A fold that returns an error or panics has failed: its view is set aside where it was last whole, and goes on from there when
// the plugin is turned on again or the node restarted. One that takes more than 250 ms for a commit, and 1 ms more for each
// change, has failed too, and its view goes on beside, where it has 10 s. Each failure counts against the plugin; the site
// goes on.
type View struct {
	Name string // "by-day": lower case, digits and hyphens
	// Version says what Fold does. With another one, or other Types, the view is made anew.
	Version int
	Types   []core.TypeName // whose changes Fold is told of; none are all but the system's
	Fold    func(t Table, c core.Commit) error
}

// Table is a view's table within a fold.
type Table = core.Table

// Row is one value of a view.
type Row = core.Row

// Rows reads a view, as of a position that is not before Host.Position. Until the view is level with the node's catalog, as
// after the first start with it, each call gives CodeUnavailable with the reason "catching_up"; "view_failed" once it was set
// aside.
type Rows interface {
	// Get gives a value; CodeNotFound where there is none.
	Get(ctx context.Context, key string) (json.RawMessage, error)
	// Scan gives the rows whose keys begin with a prefix, after a key ("" for from the first on), in the order of the keys: at most
	// limit, and never more than 1000, which 0 stands for. It ends early with the row with which it gives 4 MiB, so there are no
	// more only after one that gives none.
	Scan(ctx context.Context, prefix, after string, limit int) ([]Row, error)
	// Ready waits until the view can be read. Not for requests nor for Start, which have too little time: for what Host.Go begins.
	Ready(ctx context.Context) error
}

var validView = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// Views registers views. They are read with Host.View. A view that is not registered any more is dropped.
func Views(r *Registry, views ...View) error {
	for _, v := range views {
		if err := r.mayName(v.Types); err != nil {
			return err
		}
		if !validView.MatchString(v.Name) || len(v.Name) > 100 || v.Fold == nil {
			return fmt.Errorf("the view %q needs a name of lower-case letters, digits and hyphens, like by-day, and a Fold", v.Name)
		}
		for _, have := range r.Registered.Views {
			if have.Name == v.Name {
				return fmt.Errorf("the view %s is registered twice", v.Name)
			}
		}
		r.Registered.Views = append(r.Registered.Views, v)
	}
	return nil
}
