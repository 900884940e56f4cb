package account

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// record is an account as it is stored.
type record struct {
	id           core.EntryID
	rev          int64
	trashed      bool
	email, name  string
	roles        []string
	locale       core.Locale
	organization core.EntryID
	handover     core.EntryID
	endsAt       time.Time // zero for never
	suspended    bool
	handedOver   bool
	password     string // its hash
	totp         string // sealed
	identities   []string
	epoch        int64
}

// user gives an account outside the trash; nil when there is none.
func (s *Service) user(ctx context.Context, id core.EntryID) (*record, error) {
	u, _, err := s.stored(ctx, id)
	if err != nil || u == nil || u.trashed {
		return nil, err
	}
	return u, nil
}

// stored gives an account and its document, trash included; nil when there is none.
func (s *Service) stored(ctx context.Context, id core.EntryID) (*record, map[string]any, error) {
	e, err := s.c.Catalog.Entry(ctx, UserType, id)
	if core.CodeOf(err) == core.CodeNotFound {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, core.Wrap("account.stored", err)
	}
	return parseEntry(e)
}

func parseEntry(e *core.Entry) (*record, map[string]any, error) {
	doc, err := jsondoc.ParseObject(e.Latest())
	if err != nil {
		return nil, nil, core.Wrap("account.parseEntry", err)
	}
	u := recordOf(doc)
	u.id, u.rev, u.trashed = e.ID, e.Rev, e.Trashed()
	return u, doc, nil
}

// userBy finds the account of an address, which must be normalised.
func (s *Service) userBy(ctx context.Context, address string) (*record, error) {
	if address == "" {
		return nil, nil
	}
	id, err := s.c.Catalog.Unique(ctx, UserType, "email", address)
	if err != nil || id == "" {
		return nil, core.Wrap("account.userBy", err)
	}
	return s.user(ctx, id)
}

// recordOf reads a document that need not be valid: what is of another kind than it should be counts as absent, and is
// left to the schema.
func recordOf(doc map[string]any) *record {
	text := func(name string) string { s, _ := doc[name].(string); return s }
	yes := func(name string) bool { b, _ := doc[name].(bool); return b }
	u := &record{email: text("email"), name: text("name"), locale: core.Locale(text("locale")), password: text("password"), totp: text("totp"),
		suspended: yes("suspended"), handedOver: yes("handedOver"), roles: texts(doc["roles"]), identities: texts(doc["identities"]),
		organization: refOf(doc["organization"]), handover: refOf(doc["handover"])}
	u.endsAt, _ = time.Parse(time.RFC3339, text("endsAt"))
	if n, ok := doc["epoch"].(json.Number); ok {
		u.epoch, _ = n.Int64()
	}
	return u
}

func texts(v any) []string {
	list, _ := v.([]any)
	var out []string
	for _, item := range list {
		if s, ok := item.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

func refOf(v any) core.EntryID {
	m, _ := v.(map[string]any)
	id, _ := m["_ref"].(string)
	return core.EntryID(id)
}

func refTo(t core.TypeName, id core.EntryID) map[string]any {
	return map[string]any{"_ref": string(id), "_type": string(t)}
}

func number(n int64) json.Number { return json.Number(jsonInt(n)) }

func jsonInt(n int64) string {
	b, _ := json.Marshal(n) // an integer always can
	return string(b)
}

func (u *record) has(role string) bool { return slices.Contains(u.roles, role) }

// ended reports whether the account's time is over.
func (u *record) ended(now time.Time) bool { return !u.endsAt.IsZero() && !now.Before(u.endsAt) }

// update is an operation on the account as it was read: what has moved meanwhile makes it stale.
func (u *record) update(data map[string]any) core.Operation {
	return core.Operation{Op: core.OperationUpdate, Type: UserType, ID: u.id, IfMatch: u.rev, Data: data}
}

// account is what the user sees of himself.
func (s *Service) account(ctx context.Context, u *record) (*core.Account, error) {
	missing, err := s.lacksFactor(ctx, u)
	if err != nil {
		return nil, err
	}
	a := &core.Account{ID: u.id, Email: u.email, Name: u.name, Roles: u.roles, Locale: u.locale, Organization: u.organization,
		TOTP: u.totp != "", TOTPRequired: missing}
	if a.Roles == nil {
		a.Roles = []string{}
	}
	if !u.endsAt.IsZero() {
		at := u.endsAt.UTC()
		a.EndsAt = &at
	}
	return a, nil
}

// Me implements core.Accounts.
func (s *Service) Me(ctx context.Context, who *core.Principal) (*core.Account, error) {
	if who.Kind != "user" {
		return nil, nil
	}
	u, err := s.caller(ctx, who)
	if err != nil {
		return nil, err
	}
	return s.account(ctx, u)
}

// eachUser calls f with every account outside the trash; errEnough ends it early.
func (s *Service) eachUser(ctx context.Context, f func(*record) error) error {
	err := s.c.Catalog.Each(ctx, UserType, "", func(e *core.Entry) error {
		u, _, err := parseEntry(e)
		if err != nil || u.trashed {
			return err
		}
		return f(u)
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return core.Wrap("account.eachUser", err)
}
