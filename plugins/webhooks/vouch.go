package webhooks

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
)

// An endpoint that reads with the rights of a role must have been set up by somebody who has that role: check refuses it otherwise.
// What is written while the plugin is off nobody checks, so that nothing is sent to an endpoint with a role that is not vouched for.
//
// A voucher says what was checked of one endpoint. Check runs before a commit and cannot know whether there will be one: it notes
// what it has let through as pending, for the revision that it is to become. The commits say, one after the other and also those
// from the time when the plugin was off, what stands: the sum of what is published and that of the draft beside, which is what a
// schedule publishes. What stands there no more is vouched for no more, so that nobody brings back what somebody with the role has
// put an end to.

// unvouched is why nothing is sent to such an endpoint.
const unvouched = "it was set up while webhooks were turned off, and nobody has checked that it may have the rights of its role: " +
	"somebody who has that role has to publish it again, or to enable it"

const (
	// mostPending is how much is pending at most for one endpoint; beyond, the oldest goes.
	mostPending = 20
	// keepPending is how long what was never committed is kept of an endpoint that is not there: the plugin may be turned off between
	// a commit and hearing of it.
	keepPending = 24 * time.Hour
)

// sum stands for what an endpoint tells, to whom, and by whose rights; "" for one that needs nobody to vouch for it.
type sum string

func (e *endpoint) sum() (sum, error) {
	if e.role() == publicRole {
		return "", nil
	}
	text, err := json.Marshal([]any{e.URL, e.role(), e.full(), e.Events, e.Types})
	if err != nil {
		return "", core.Wrap("webhooks.sum", err)
	}
	digest := sha256.Sum256(text)
	return sum(hex.EncodeToString(digest[:])), nil
}

// sumOf is the sum of a document of the type.
func sumOf(doc any) (sum, error) {
	e, err := endpointOf(doc)
	if err != nil {
		return "", err
	}
	return e.sum()
}

// voucher is what was checked of an endpoint.
type voucher struct {
	Rev     int64     `json:"rev"`               // of the entry, as far as its commits were heard of
	Live    sum       `json:"live,omitempty"`    // what is published, if it was checked
	Draft   sum       `json:"draft,omitempty"`   // the draft beside, if it was checked
	Pending []checked `json:"pending,omitempty"` // what was checked and is not known to be committed, the oldest first
}

// checked is what was found to be in order, as one revision of the entry and no other.
type checked struct {
	Rev int64 `json:"rev"`
	Sum sum   `json:"sum"`
}

// holds reports whether what stands is vouched for.
func (v *voucher) holds(s sum) bool { return s == "" || s == v.Live || s == v.Draft }

// awaits reports whether a revision that was not heard of yet is as it was checked.
func (v *voucher) awaits(s sum, rev int64) bool {
	return rev > v.Rev && (s == "" || slices.Contains(v.Pending, checked{rev, s}))
}

// note notes what was checked.
func (v *voucher) note(c checked) {
	if slices.Contains(v.Pending, c) {
		return
	}
	v.Pending = append(v.Pending, c)
	if over := len(v.Pending) - mostPending; over > 0 {
		v.Pending = v.Pending[over:]
	}
}

// follow goes on to what stands after a commit: each document is vouched for if it was checked for this commit, or was vouched for
// before it. The sums are those of the documents that the commit has put in place, and nil where it left what there was.
func (v *voucher) follow(rev int64, draft, live *sum) {
	stands := func(is *sum, before sum) sum {
		switch {
		case is == nil:
			return before
		case v.holds(*is) || v.awaits(*is, rev):
			return *is
		}
		return ""
	}
	v.Draft, v.Live = stands(draft, v.Draft), stands(live, v.Live)
	v.heard(rev)
}

// heard notes how far the commits were heard of.
func (v *voucher) heard(rev int64) {
	v.Rev = rev
	v.Pending = slices.DeleteFunc(v.Pending, func(c checked) bool { return c.Rev <= rev })
}

func voucherKey(webhook core.EntryID) string { return "vouch/" + string(webhook) }

// voucher gives what was checked of an endpoint; of one that nothing is known of there is none.
func (o outbox) voucher(ctx context.Context, webhook core.EntryID) (v voucher, known bool, err error) {
	text, _, err := o.Get(ctx, voucherKey(webhook))
	if core.CodeOf(err) == core.CodeNotFound {
		return v, false, nil
	}
	if err == nil {
		err = core.Wrap("webhooks.voucher", json.Unmarshal(text, &v))
	}
	return v, true, err
}

// changeVoucher changes what was checked of an endpoint. Of one that no commit was heard of, what is noted does not stay.
func (o outbox) changeVoucher(ctx context.Context, webhook core.EntryID, now time.Time, change func(*voucher)) error {
	_, err := changeValue(ctx, o, voucherKey(webhook), change, func(v *voucher) time.Time {
		if v.Rev == 0 {
			return now.Add(keepPending)
		}
		return time.Time{}
	})
	return err
}

// vouched reports whether an endpoint may be as it is. Not settled is what may yet turn out otherwise, when the commits of the
// endpoint that were not yet heard of, or have not yet come to this node, are known.
func (o outbox) vouched(ctx context.Context, e *endpoint) (may, settled bool, err error) {
	s, err := e.sum()
	if err != nil || s == "" {
		return err == nil, true, err
	}
	v, known, err := o.voucher(ctx, e.ID)
	if err != nil || !known {
		return false, true, err
	}
	may = v.Rev >= e.LiveRev && v.holds(s) || v.awaits(s, e.LiveRev)
	return may, v.Rev == e.Rev, nil
}

// standing is how it goes with an endpoint, and why nothing is sent to it; not settled when that it is not vouched for may yet change.
func (n *node) standing(ctx context.Context, e *endpoint) (h health, settled bool, err error) {
	h, err = n.outbox.health(ctx, e.ID)
	if err != nil || h.Off != "" {
		return h, true, err
	}
	may, settled, err := n.outbox.vouched(ctx, e)
	if err == nil && !may {
		h.Off = unvouched
	}
	return h, settled || may, err
}

// letThrough notes that an event was found to be in order: that the one who acts has the role, and has set the endpoint up so, or
// publishes it. Palabre itself acts for somebody, as when it publishes what is due: then the endpoint may be what it was allowed to
// be before.
func (n *node) letThrough(ctx context.Context, e *core.EntryEvent) error {
	is, err := sumOf(e.New)
	if err != nil || is == "" {
		return err
	}
	next := int64(1)
	if e.Entry != nil {
		next = e.Entry.Rev + 1
		was, err := sumOf(e.Old)
		if err != nil || e.Name == "entry.validate" && is == was { // nobody has looked at it
			return err
		}
		if e.Actor.Kind == core.System.Kind {
			v, _, err := n.outbox.voucher(ctx, e.ID)
			if err != nil || !v.awaits(was, e.Entry.Rev) && (v.Rev != e.Entry.Rev || !v.holds(was)) {
				return err
			}
		}
	}
	return n.outbox.changeVoucher(ctx, e.ID, n.Now(), func(v *voucher) { v.note(checked{next, is}) })
}

// committed goes on to what stands after a commit. It is told of one again when something failed.
func (n *node) committed(ctx context.Context, c *plugin.Committed) error {
	if c.Change.Op != core.OpPut {
		return nil
	}
	var draft, live *sum
	for doc, into := range map[*core.Doc]**sum{&c.Change.Draft: &draft, &c.Change.Published: &live} {
		if *doc == nil {
			continue
		}
		is, err := sumOf(*doc)
		if err != nil {
			return err
		}
		*into = &is
	}
	_, known, err := n.outbox.voucher(ctx, c.Change.Entry)
	named := draft != nil && *draft != "" || live != nil && *live != ""
	if err != nil || !known && !named {
		return err
	}
	return n.outbox.changeVoucher(ctx, c.Change.Entry, n.Now(), func(v *voucher) {
		if c.Change.Meta.Rev > v.Rev {
			v.follow(c.Change.Meta.Rev, draft, live)
		}
	})
}

// vouch says that an endpoint may be as it is published.
func (n *node) vouch(ctx context.Context, e *endpoint) error {
	s, err := e.sum()
	if err != nil || s == "" {
		return err
	}
	return n.outbox.changeVoucher(ctx, e.ID, n.Now(), func(v *voucher) {
		if v.Rev < e.Rev { // of the draft beside nothing is known yet
			v.Draft = ""
			v.heard(e.Rev)
		}
		v.Live = s
	})
}

// endpointOf reads what an entry of the type says. What does not fit the type is for the type to refuse.
func endpointOf(doc any) (*endpoint, error) {
	text, err := json.Marshal(doc)
	if err != nil {
		return nil, core.Wrap("webhooks.endpoint", err)
	}
	e := &endpoint{}
	if json.Unmarshal(text, e) != nil {
		return &endpoint{}, nil
	}
	return e, nil
}

// vouchForOld vouches for the endpoints of an older version, which checked them and kept no note of it: those that have a secret, since
// one is made when the plugin hears of a new endpoint. Where the plugin's data was dropped there are none.
func vouchForOld(ctx context.Context, h plugin.Host) error {
	o := outbox{h.Store(), h}
	return h.Own(ctx, typeName, func(e *core.Entry) error {
		_, _, err := o.Get(ctx, secretKey(e.ID))
		if core.CodeOf(err) == core.CodeNotFound {
			return nil
		}
		if err != nil {
			return err
		}
		return o.vouchForEntry(ctx, e, h.Now())
	})
}

// vouchForEntry vouches for an endpoint as it stands, unless something is known of it already.
func (o outbox) vouchForEntry(ctx context.Context, e *core.Entry, now time.Time) error {
	live, err := sumOf(e.Published)
	if err != nil {
		return err
	}
	draft, err := sumOf(e.Draft)
	if err != nil || live == "" && draft == "" {
		return err
	}
	return o.changeVoucher(ctx, e.ID, now, func(v *voucher) {
		if v.Rev == 0 {
			v.Live, v.Draft = live, draft
			v.heard(e.Rev)
		}
	})
}
