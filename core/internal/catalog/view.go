package catalog

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// view is a view that is followed. What is not the plugin's changes under Catalog.mu; it becomes level and ceases to be under
// Catalog.applying as well, so that who applies commits may look at it without.
type view struct {
	*core.PluginView
	quiet    bool   // of a catalog that is made beside: its plugin is told of nothing
	slow     bool   // it was, while writers waited: it goes on beside before it joins again
	table    int64  // its number in the file; 0 until that is found
	made     string // of what: see madeOf
	outdated int    // how often it was made of something else, or may have been
	position core.Position
	standing core.ViewStanding // "" for one that is not followed any more
	fault    *core.ViewFault
	changed  chan struct{} // closed and replaced when standing changes
}

var _ core.PluginViews = (*Catalog)(nil)

func newView(v *core.PluginView) *view {
	return &view{PluginView: v, standing: core.ViewCatchingUp, changed: make(chan struct{})}
}

func (v *view) stand(s core.ViewStanding) {
	v.standing = s
	close(v.changed)
	v.changed = make(chan struct{})
}

const (
	catchUpStep = readAhead // commits folded in one go beside
	catchUpKeys = 1000      // written in one go beside, or little more: the catalog's own writes wait for as long
	joinStep    = 16        // commits that may be missing when a view joins the catalog, which waits for as long
	readAhead   = 16        // commits read at once: one may weigh 8 MB
)

// Follow implements core.PluginViews.
func (c *Catalog) Follow(log core.Log, spec *core.PluginView) (keep func(ctx context.Context)) {
	v := newView(spec)
	c.enter(v)
	return func(ctx context.Context) { c.keep(ctx, log, v) }
}

func (c *Catalog) keep(ctx context.Context, log core.Log, v *view) {
	ctx, cancel := c.untilClosed(ctx)
	defer cancel()
	defer c.leave(v)
	for ctx.Err() == nil {
		at := c.stands(v)
		if at.standing != core.ViewCatchingUp {
			select {
			case <-at.changed:
			case <-ctx.Done():
			}
			continue
		}
		if err := c.advance(ctx, log, v, at); err != nil && c.uses(at.docs) {
			pause(ctx)
		}
	}
}

// enter has a view followed, in the place of one with its name.
func (c *Catalog) enter(v *view) {
	c.applying.Lock()
	defer c.applying.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.following[v.ViewName]; old != nil {
		old.stand("")
	}
	if len(c.following) == 0 {
		c.following = map[core.ViewName]*view{}
	}
	c.lastTypes = nil // it may be made of others
	c.following[v.ViewName] = v
	close(c.followed)
	c.followed = make(chan struct{})
}

func (c *Catalog) leave(v *view) {
	c.applying.Lock()
	defer c.applying.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.following[v.ViewName] == v {
		delete(c.following, v.ViewName)
		v.stand("")
	}
}

// stance is how a view stands at one moment, and in which file.
type stance struct {
	view
	docs   *documents
	behind int
}

func (c *Catalog) stands(v *view) stance {
	c.mu.RLock()
	defer c.mu.RUnlock()
	at := stance{view: *v, docs: c.docs, behind: int(c.m.position - v.position)}
	if at.table == 0 {
		at.made = c.madeOf(v.PluginView, c.met)
	}
	return at
}

// advance brings a view that is behind one step nearer to the catalog.
func (c *Catalog) advance(ctx context.Context, log core.Log, v *view, at stance) error {
	switch {
	case at.table == 0:
		return c.findTable(ctx, v, at)
	case at.behind <= 0, at.behind <= joinStep && !at.slow:
		return c.join(ctx, log, v)
	}
	commits, err := log.Read(ctx, at.position+1, min(at.behind, catchUpStep))
	if err != nil {
		return err
	}
	if len(commits) == 0 {
		return logEnds(at.position, at.position+core.Position(at.behind))
	}
	f := c.foldBatch(ctx, &at.view, at.docs, commits, c.patiently(limits{keys: catchUpKeys}))
	c.saveBeside(ctx, v, f, at.docs)
	c.arrive(v, f, at.docs, core.ViewCatchingUp)
	return unmoved(f.away)
}

// unmoved leaves out what is mended by looking again.
func unmoved(err error) error {
	if errors.Is(err, errMoved) {
		return nil
	}
	return err
}

// findTable finds a view's table in the file.
func (c *Catalog) findTable(ctx context.Context, v *view, at stance) error {
	table, position, renewed, err := at.docs.findView(ctx, v.PluginView, at.made)
	if err != nil {
		return err
	}
	c.mu.Lock()
	if c.docs == at.docs && v.standing == core.ViewCatchingUp && c.madeOf(v.PluginView, c.met) == at.made {
		v.table, v.position, v.made = table, position, at.made
	}
	c.mu.Unlock()
	if renewed {
		return at.docs.sweepViews(ctx)
	}
	return nil
}

// join takes in what a view still lacks, which is little, while no commit is applied, and has it move with the catalog from here on.
func (c *Catalog) join(ctx context.Context, log core.Log, v *view) error {
	c.applying.Lock()
	defer c.applying.Unlock()
	at := c.stands(v)
	if at.standing != core.ViewCatchingUp || at.table == 0 || at.behind > joinStep {
		return nil
	}
	commits, err := missing(ctx, log, at)
	if err != nil { // beside there is more time
		c.mu.Lock()
		v.slow = true
		c.mu.Unlock()
		return ctx.Err()
	}
	f := &viewBatch{view: &at.view, table: at.table, to: at.position}
	if len(commits) > 0 {
		f = c.foldBatch(ctx, &at.view, at.docs, commits, c.pace())
		c.saveBeside(ctx, v, f, at.docs)
	}
	c.arrive(v, f, at.docs, core.ViewLevel)
	return unmoved(f.away)
}

// missing reads what a view lacks. A store that does not answer must not keep the catalog for long.
func missing(ctx context.Context, log core.Log, at stance) (commits []core.Commit, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	for len(commits) < at.behind {
		next, err := log.Read(ctx, at.position+1+core.Position(len(commits)), at.behind-len(commits))
		if err != nil {
			return nil, err
		}
		if len(next) == 0 {
			return nil, logEnds(at.position, at.position+core.Position(at.behind))
		}
		commits = append(commits, next...)
	}
	return commits, nil
}

// arrive notes what became of commits that were folded beside, unless the file or the view is another one by now.
func (c *Catalog) arrive(v *view, f *viewBatch, docs *documents, standing core.ViewStanding) {
	c.mu.Lock()
	same := c.docs == docs && v.standing == core.ViewCatchingUp && v.table == f.table
	if same {
		v.settle(f)
		if f.whole() && !f.short && standing != v.standing {
			v.stand(standing)
		}
	}
	c.mu.Unlock()
	if same {
		v.report(f)
	}
}

// forgetTable has a view look for its table again.
func (v *view) forgetTable() {
	v.table, v.position = 0, 0
	if v.standing == core.ViewLevel {
		v.stand(core.ViewCatchingUp)
	}
}

// settle takes over what became of a batch.
func (v *view) settle(f *viewBatch) {
	switch {
	case f.whole():
		v.position, v.slow = f.to, f.short && f.urgent
		if f.short && v.standing == core.ViewLevel {
			v.stand(core.ViewCatchingUp)
		}
	case f.late:
		v.slow = true
		v.stand(core.ViewCatchingUp)
	case f.fault != nil:
		v.fault = f.fault
		v.stand(core.ViewFailed)
	default: // it begins again with what the file says
		v.table = 0
		v.stand(core.ViewCatchingUp)
	}
}

// report tells the plugin that its fold has failed.
func (v *view) report(f *viewBatch) {
	if f.fault != nil && v.Failed != nil && !v.quiet {
		v.Failed(f.fault)
	}
}

// foldViews folds commits into the views that are level. The caller holds applying.
func (c *Catalog) foldViews(ctx context.Context, commits []core.Commit) []*viewBatch {
	if len(c.following) == 0 {
		return nil
	}
	if c.approaching && c.patience == 0 {
		c.leaveBehind()
		return nil
	}
	var level []*view
	c.mu.RLock()
	for _, v := range c.following {
		if v.standing == core.ViewLevel {
			level = append(level, v)
		}
	}
	c.mu.RUnlock()
	all := make([]*viewBatch, len(level))
	for i, v := range level { // one after the other: SQLite's readers get in each other's way
		c.spend(func() { all[i] = c.foldBatch(ctx, v, c.docs, commits, c.pace()) })
	}
	return all
}

// leaveBehind has no view move with the catalog any more.
func (c *Catalog) leaveBehind() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, v := range c.following {
		if v.standing == core.ViewLevel {
			v.stand(core.ViewCatchingUp)
		}
	}
}

// DropViews implements core.PluginViews.
func (c *Catalog) DropViews(ctx context.Context, plugin string, but ...string) error {
	docs, err := c.forgetViews(ctx, plugin, but)
	if err == nil {
		err = docs.sweepViews(ctx)
	}
	if err != nil && docs != nil && !c.uses(docs) { // a rebuild came in between, and has left behind what there was to sweep
		err = nil
	}
	return core.Wrap("catalog.DropViews", err)
}

func (c *Catalog) uses(docs *documents) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.docs == docs
}

func (c *Catalog) forgetViews(ctx context.Context, plugin string, but []string) (*documents, error) {
	c.applying.Lock()
	defer c.applying.Unlock()
	if err := c.docs.forgetViews(ctx, plugin, but); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, v := range c.following {
		if v.Plugin == plugin && !slices.Contains(but, v.Name) {
			v.forgetTable()
		}
	}
	return c.docs, nil
}

// adopt has a catalog that is made beside fold the views that another one follows, from the first commit on.
func (c *Catalog) adopt(ctx context.Context, from *Catalog) error {
	c.following, c.lastTypes = map[core.ViewName]*view{}, c.types.Types()
	from.mu.RLock()
	for name, v := range from.following {
		if v.standing != core.ViewFailed {
			made := newView(v.PluginView)
			made.outdated = v.outdated
			c.following[name] = made
		}
	}
	from.mu.RUnlock()
	for _, v := range c.following {
		var err error
		v.made = c.madeOf(v.PluginView, nil)
		if v.table, v.position, _, err = c.docs.findView(ctx, v.PluginView, v.made); err != nil {
			return err
		}
		v.standing, v.quiet = core.ViewLevel, true
	}
	return nil
}

// forgetLeft has a catalog that was made beside forget the views that the other one does not follow any more, which may have been
// dropped meanwhile, and those whose types have moved meanwhile. Their rows go with the next sweep. The caller holds the other's
// applying.
func (c *Catalog) forgetLeft(ctx context.Context, from *Catalog) error {
	for name, v := range c.following {
		other := from.following[name]
		var err error
		switch {
		case other == nil:
			_, err = c.docs.db.Write.ExecContext(ctx, `delete from views where plugin = ? and name = ?`, name.Plugin, name.Name)
		case (other.PluginView != v.PluginView || other.outdated != v.outdated) && v.standing != core.ViewFailed:
			err = c.docs.outdate(ctx, name)
			v.forgetTable()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// takeViews goes over to the tables in the file of another catalog, which stands where this one does. The caller holds mu. What it
// gives tells, once that is free again, of the views that failed there.
func (c *Catalog) takeViews(next *Catalog) (report func()) {
	failed := map[*view]*viewBatch{}
	for name, v := range c.following {
		made := next.following[name]
		v.table = 0
		switch {
		case v.standing == core.ViewFailed:
		case made == nil || made.PluginView != v.PluginView:
			v.position = 0
			v.stand(core.ViewCatchingUp)
		case made.standing == core.ViewFailed:
			failed[v] = &viewBatch{fault: made.fault}
			v.settle(failed[v])
		default:
			v.table, v.made, v.position, v.slow = made.table, made.made, made.position, made.slow
			v.stand(made.standing)
		}
	}
	return func() {
		for v, f := range failed {
			v.report(f)
		}
	}
}

// untilClosed gives a context that ends with the catalog too.
func (c *Catalog) untilClosed(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-c.closing:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

func logEnds(at, seen core.Position) error {
	return core.Errorf(core.CodeConflict, "The log ends at %d, and the catalog has already seen %d: it is the catalog of another log.", at, seen)
}
