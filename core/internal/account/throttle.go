package account

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// How often one may guess.
const (
	pairFree      = 5                // failures on one account from one address before it has to wait
	pairWait      = 5 * time.Second  // the first wait; each failure doubles it
	longestWait   = 15 * time.Minute // the longest
	pairForgotten = time.Hour        // without a failure

	window       = 15 * time.Minute
	perAddress   = 60 // failures in a window from one address, on whatever accounts
	perAccount   = 50 // and on one account, from whatever addresses
	linksAddress = 10 // links asked for in a window from one address
	linksAccount = 3  // and for one account

	mostTallies = 50_000 // of each kind, so that strangers cannot fill the memory
)

// throttle counts failures in this node's memory. An account is counted under its normalised address, so that no
// spelling of it is another one; a network address as its /64 where it is IPv6.
type throttle struct {
	mu        sync.Mutex
	now       func() time.Time
	pairs     tallies
	accounts  tallies
	addresses tallies
	trusted   tallies // pairs that got in: strangers who guess at an account do not lock them out
	links     tallies
}

func newThrottle(now func() time.Time) *throttle {
	t := &throttle{now: now}
	for _, l := range []*tallies{&t.pairs, &t.accounts, &t.addresses, &t.trusted, &t.links} {
		l.list = map[string]*tally{}
	}
	return t
}

// attempt is a guess that counts as a failure until it is known better.
type attempt struct {
	t             *throttle
	account, from string
}

// begin counts a guess before it is looked at, so that many at once are no way around. Without an account only the
// address counts. It gives CodeRateLimited when it is too early.
func (t *throttle) begin(ctx context.Context, account string) (*attempt, error) {
	a := &attempt{t, account, addressOf(ctx)}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if wait := t.wait(a, now); wait > 0 {
		return nil, errTooMany(wait)
	}
	t.addresses.at(a.from, now, window).add(now)
	if account != "" {
		t.accounts.at(account, now, window).add(now)
		t.pairs.at(a.pair(), now, pairForgotten).add(now)
	}
	return a, nil
}

func (t *throttle) wait(a *attempt, now time.Time) time.Duration {
	wait := t.addresses.at(a.from, now, window).left(perAddress, now)
	if a.account == "" {
		return wait
	}
	if t.trusted.find(a.pair()) == nil {
		wait = max(wait, t.accounts.at(a.account, now, window).left(perAccount, now))
	}
	pair := t.pairs.at(a.pair(), now, pairForgotten)
	if pair.count < pairFree {
		return wait
	}
	grown := pairWait << min(pair.count-pairFree, 10)
	return max(wait, pair.last.Add(min(grown, longestWait)).Sub(now))
}

func (a *attempt) pair() string { return a.account + "\x00" + a.from }

// forgive takes the guess back: it was none.
func (a *attempt) forgive() {
	a.t.mu.Lock()
	defer a.t.mu.Unlock()
	a.takeBack()
}

func (a *attempt) takeBack() {
	a.t.addresses.find(a.from).takeBack()
	a.t.accounts.find(a.account).takeBack()
	a.t.pairs.find(a.pair()).takeBack()
}

// succeed takes the guess back and forgets the failures on this account from this address.
func (a *attempt) succeed() {
	a.t.mu.Lock()
	defer a.t.mu.Unlock()
	a.takeBack()
	delete(a.t.pairs.list, a.pair())
	if a.account != "" {
		now := a.t.now()
		a.t.trusted.at(a.pair(), now, 0).last = now
	}
}

// askLink counts a link that is asked for; mail reports whether it may be sent.
func (t *throttle) askLink(ctx context.Context, account string) (mail bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	from := t.links.at("from\x00"+addressOf(ctx), now, window)
	if wait := from.left(linksAddress, now); wait > 0 {
		return false, errTooMany(wait)
	}
	from.add(now)
	to := t.links.at("to\x00"+account, now, window)
	if to.left(linksAccount, now) > 0 {
		return false, nil
	}
	to.add(now)
	return true, nil
}

// tally counts what happened since a moment.
type tally struct {
	count       int
	since, last time.Time
}

func (t *tally) add(now time.Time) { t.count, t.last = t.count+1, now }

func (t *tally) takeBack() {
	if t != nil && t.count > 0 {
		t.count--
	}
}

// left is how long it takes until a window ends that holds too many; 0 when it does not.
func (t *tally) left(most int, now time.Time) time.Duration {
	if t.count < most {
		return 0
	}
	return t.since.Add(window).Sub(now)
}

// tallies are bounded: when there are too many, one that nobody touched for long goes.
type tallies struct{ list map[string]*tally }

func (l *tallies) find(key string) *tally { return l.list[key] }

// at gives a tally, begun anew when it is older than it may be: than a window since its beginning, or else since its last
// count. keep 0 is for ever.
func (l *tallies) at(key string, now time.Time, keep time.Duration) *tally {
	t := l.list[key]
	if t == nil {
		l.makeRoom()
		t = &tally{since: now}
		l.list[key] = t
	}
	begun := t.since
	if keep == pairForgotten && t.last.After(begun) {
		begun = t.last
	}
	if keep > 0 && now.Sub(begun) >= keep {
		*t = tally{since: now}
	}
	return t
}

// makeRoom drops the oldest of some, which is as good as the oldest of all and costs nothing.
func (l *tallies) makeRoom() {
	const sample = 16
	if len(l.list) < mostTallies {
		return
	}
	var oldest string
	seen := 0
	for key, t := range l.list {
		if o := l.list[oldest]; o == nil || t.last.Before(o.last) {
			oldest = key
		}
		if seen++; seen == sample {
			break
		}
	}
	delete(l.list, oldest)
}

// addressOf gives where a request came from as far as it is counted.
func addressOf(ctx context.Context) string {
	o := core.OriginOf(ctx)
	if o == nil {
		return ""
	}
	addr, err := netip.ParseAddr(o.Address)
	if err != nil {
		return ""
	}
	addr = addr.Unmap().WithZone("")
	if addr.Is4() {
		return addr.String()
	}
	prefix, err := addr.Prefix(64)
	if err != nil {
		return ""
	}
	return prefix.String()
}
