package account

import (
	"context"
	"crypto/subtle"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// knownSession is a session that was looked up, with what its account was then.
type knownSession struct {
	user    core.EntryID
	hash    string
	expires time.Time
	stands  bool // its epoch is the account's
	lacking bool // the account must set up a second factor before anything else
	shown   atomic.Pointer[shown]
}

// shown is the principal of a session, made of what the directory said.
type shown struct{ said, made *core.Principal }

// Session implements core.Accounts.
func (s *Service) Session(ctx context.Context, cookie string) (*core.Principal, error) {
	id, secret, ok := s.open(cookie)
	if !ok {
		return nil, errNoSession()
	}
	k, err := s.session(ctx, id)
	if err != nil {
		return nil, err
	}
	if k == nil || !k.stands || !s.now().Before(k.expires) || subtle.ConstantTimeCompare([]byte(k.hash), []byte(hashOf(secret))) != 1 {
		return nil, errNoSession()
	}
	p, err := s.c.Directory.User(ctx, k.user)
	if core.CodeOf(err) == core.CodeUnauthenticated {
		return nil, errNoSession()
	}
	if err != nil {
		return nil, core.Wrap("account.Session", err)
	}
	return k.principal(p, id), nil
}

// principal is who the directory says, with this session. Who must set up a second factor is nobody in particular until
// he has.
func (k *knownSession) principal(said *core.Principal, id core.EntryID) *core.Principal {
	if have := k.shown.Load(); have != nil && have.said == said {
		return have.made
	}
	made := *said
	made.Session = id
	if k.lacking {
		made.Roles, made.About, made.LacksFactor = core.Anonymous.Roles, nil, true
	}
	k.shown.Store(&shown{said, &made})
	return &made
}

// session finds a session; nil when there is none.
func (s *Service) session(ctx context.Context, id core.EntryID) (*knownSession, error) {
	at := s.versions()
	if k, ok := s.sessions.get(id, at); ok {
		return k, nil
	}
	k, err := s.loadSession(ctx, id)
	if k != nil {
		s.sessions.put(id, at, k)
	}
	return k, err
}

func (s *Service) loadSession(ctx context.Context, id core.EntryID) (*knownSession, error) {
	e, err := s.c.Catalog.Entry(ctx, SessionType, id)
	if core.CodeOf(err) == core.CodeNotFound || err == nil && e.Trashed() {
		return nil, nil
	}
	if err != nil {
		return nil, core.Wrap("account.loadSession", err)
	}
	line, err := sessionOf(e)
	if err != nil {
		return nil, err
	}
	u, err := s.user(ctx, line.user)
	if err != nil || u == nil {
		return nil, err
	}
	k := &knownSession{user: u.id, hash: line.hash, expires: line.ExpiresAt, stands: line.epoch == u.epoch}
	k.lacking, err = s.lacksFactor(ctx, u)
	return k, err
}

// sessionLine is an entry of _session.
type sessionLine struct {
	core.Session
	user  core.EntryID
	hash  string
	epoch int64
}

func sessionOf(e *core.Entry) (*sessionLine, error) {
	doc, err := jsondoc.ParseObject(e.Latest())
	if err != nil {
		return nil, core.Wrap("account.sessionOf", err)
	}
	text := func(name string) string { s, _ := doc[name].(string); return s }
	line := &sessionLine{user: refOf(doc["user"]), hash: text("hash"), epoch: recordOf(doc).epoch}
	line.Session = core.Session{ID: e.ID, CreatedAt: e.CreatedAt, Address: text("address"), Agent: text("agent")}
	line.ExpiresAt, err = time.Parse(time.RFC3339, text("expiresAt"))
	return line, core.Wrap("account.sessionOf", err)
}

// versions are what a session that was looked up depends on.
type versions struct{ session, user, role uint64 }

func (s *Service) versions() versions {
	return versions{s.c.Catalog.Version(SessionType), s.c.Catalog.Version(UserType), s.c.Catalog.Version(roleType)}
}

// sessionCache remembers sessions while nothing has changed that they depend on, so that an end holds at the next
// request. The zero sessionCache is ready.
type sessionCache struct {
	mu   sync.RWMutex
	at   versions
	list map[core.EntryID]*knownSession
}

func (c *sessionCache) get(id core.EntryID, at versions) (*knownSession, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.at != at {
		return nil, false
	}
	k, ok := c.list[id]
	return k, ok
}

func (c *sessionCache) put(id core.EntryID, at versions, k *knownSession) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.list == nil || c.at != at {
		c.list, c.at = map[core.EntryID]*knownSession{}, at
	}
	c.list[id] = k
}

// begun is a session that is about to be written.
type begun struct {
	op      core.Operation
	cookie  string
	id      core.EntryID
	expires time.Time
}

// begin makes the operation that begins a session of an account at an epoch.
func (s *Service) begin(ctx context.Context, user core.EntryID, epoch int64) begun {
	now := s.now().UTC()
	b := begun{id: core.NewID(now), expires: now.Add(s.c.Lifetime).Truncate(time.Second)}
	secret := newSecret()
	b.cookie = s.cookie(b.id, secret)
	data := map[string]any{"user": refTo(UserType, user), "hash": hashOf(secret), "epoch": number(epoch), "expiresAt": b.expires.Format(time.RFC3339)}
	if o := core.OriginOf(ctx); o != nil {
		keepText(data, "address", o.Address, 64)
		keepText(data, "agent", o.Agent, 200)
	}
	b.op = core.Operation{Op: core.OperationCreate, Type: SessionType, ID: b.id, Data: data}
	return b
}

func keepText(data map[string]any, name, text string, most int) {
	if runes := []rune(strings.ToValidUTF8(text, "")); len(runes) > 0 {
		data[name] = string(runes[:min(len(runes), most)])
	}
}

// signedIn is what the caller gets of a session that was written.
func (s *Service) signedIn(ctx context.Context, user core.EntryID, b begun) (*core.SignedIn, error) {
	u, err := s.user(ctx, user)
	if err != nil {
		return nil, err
	}
	if u == nil {
		return nil, errNoSession()
	}
	a, err := s.account(ctx, u)
	if err != nil {
		return nil, err
	}
	return &core.SignedIn{User: *a, Cookie: b.cookie, CSRF: s.csrf(b.id), Expires: b.expires}, nil
}

// SignOut implements core.Accounts.
func (s *Service) SignOut(ctx context.Context, who *core.Principal) error {
	if who.Session == "" {
		return errSignIn()
	}
	if err := s.endSessions(ctx, who.Entry(), []core.EntryID{who.Session}); err != nil {
		return err
	}
	s.note(ctx, who, core.AuditEvent{Event: core.AuditSignOut})
	return nil
}

// Sessions implements core.Accounts.
func (s *Service) Sessions(ctx context.Context, who *core.Principal) ([]core.Session, error) {
	u, err := s.caller(ctx, who)
	if err != nil {
		return nil, err
	}
	list := []core.Session{}
	err = s.eachSession(ctx, u.id, func(line *sessionLine) {
		if line.epoch == u.epoch && s.now().Before(line.ExpiresAt) {
			line.Current = line.ID == who.Session
			list = append(list, line.Session)
		}
	})
	return list, err
}

// eachSession calls f with the sessions of an account, the newest first, whether they still hold or not.
func (s *Service) eachSession(ctx context.Context, user core.EntryID, f func(*sessionLine)) error {
	q := core.Query{Type: SessionType, State: core.StateDraft, Limit: pageLimit, Sort: []core.SortKey{{Path: core.Path{Field: "_createdAt"}, Desc: true}}}
	for {
		page, err := s.c.Catalog.Referrers(ctx, q, "user", user)
		if err != nil {
			return core.Wrap("account.eachSession", err)
		}
		for i := range page.Views {
			v := &page.Views[i]
			line, err := sessionOf(&core.Entry{ID: v.ID, Draft: v.Doc, Meta: core.Meta{CreatedAt: v.CreatedAt}})
			if err != nil {
				return err
			}
			f(line)
		}
		if page.Next == nil {
			return nil
		}
		q.After = page.Next
	}
}

// EndSession implements core.Accounts.
func (s *Service) EndSession(ctx context.Context, who *core.Principal, id core.EntryID) error {
	return s.endOwn(ctx, who, func(l *sessionLine) bool { return l.ID == id }, true)
}

// EndOthers implements core.Accounts.
func (s *Service) EndOthers(ctx context.Context, who *core.Principal) error {
	return s.endOwn(ctx, who, func(l *sessionLine) bool { return l.ID != who.Session }, false)
}

func (s *Service) endOwn(ctx context.Context, who *core.Principal, which func(*sessionLine) bool, must bool) error {
	u, err := s.caller(ctx, who)
	if err != nil {
		return err
	}
	var ids []core.EntryID
	err = s.eachSession(ctx, u.id, func(l *sessionLine) {
		if which(l) {
			ids = append(ids, l.ID)
		}
	})
	if err == nil && must && len(ids) == 0 {
		return core.Refuse(core.CodeNotFound, "", "You have no such session.", "Vous n’avez pas de telle session.")
	}
	if err != nil {
		return err
	}
	return s.endSessions(ctx, u.id, ids)
}

// The bounds of what is read and written at once.
const (
	pageLimit  = 200
	writeLimit = 100
)

// endSessions purges sessions, in the name of an account. One that is gone already is no error.
func (s *Service) endSessions(ctx context.Context, by core.EntryID, ids []core.EntryID) error {
	return s.purge(ctx, own(by), "sign_out", ids)
}

func (s *Service) purge(ctx context.Context, by *core.Principal, reason string, ids []core.EntryID) error {
	for len(ids) > 0 {
		n := min(len(ids), writeLimit)
		ops := make([]core.Operation, n)
		for i, id := range ids[:n] {
			ops[i] = core.Operation{Op: core.OperationPurge, Type: SessionType, ID: id}
		}
		r, err := s.c.Content.Write(ctx, by, ops, core.WriteOptions{Reason: reason, Partial: true})
		if err != nil {
			return err
		}
		if err := firstFault(r); err != nil {
			return err
		}
		ids = ids[n:]
	}
	return nil
}

// firstFault gives the first error of a write's parts that is more than "it is gone already".
func firstFault(r *core.Result) error {
	for i := range r.Items {
		if err := r.Items[i].Err; err != nil && core.CodeOf(err) != core.CodeNotFound {
			return err
		}
	}
	return nil
}

// Sweep takes away the sessions that do not hold any more, and tells the audit of the failures that it was not told of
// one by one. It is called now and then, on any node.
func (s *Service) Sweep(ctx context.Context) error {
	s.tellFailures(ctx)
	ids, err := s.dead(ctx)
	if err != nil {
		return err
	}
	return s.purge(ctx, core.System, "sessions", ids)
}

// mostSwept bounds one sweep; the next one goes on.
const mostSwept = 10_000

var errEnough = errors.New("account: seen enough")

func (s *Service) dead(ctx context.Context) (ids []core.EntryID, err error) {
	now := s.now()
	err = s.c.Catalog.Each(ctx, SessionType, "", func(e *core.Entry) error {
		line, err := sessionOf(e)
		if err != nil {
			return err
		}
		stands := !e.Trashed() && now.Before(line.ExpiresAt)
		if stands {
			u, err := s.user(ctx, line.user)
			if err != nil {
				return err
			}
			stands = u != nil && u.epoch == line.epoch
		}
		if !stands {
			ids = append(ids, e.ID)
		}
		if len(ids) == mostSwept {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return ids, core.Wrap("account.dead", err)
}
