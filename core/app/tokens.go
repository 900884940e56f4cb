package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/access"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// Tokens makes and lists API tokens.
type Tokens interface {
	// AddToken makes a token and gives its text, which is kept nowhere.
	AddToken(ctx context.Context, t NewToken) (text string, err error)
	// Tokens lists the tokens, without their texts.
	Tokens(ctx context.Context) ([]Token, error)
}

// NewToken is a token to be made.
type NewToken struct {
	Name      string
	Role      string
	ExpiresAt time.Time // zero for never
}

// Token is a token that exists.
type Token struct {
	ID        core.EntryID `json:"_id"`
	Name      string       `json:"name"`
	Role      string       `json:"role"`
	ExpiresAt time.Time    `json:"expiresAt"`
	Hash      string       `json:"-"`
}

var (
	_ Tokens = (*App)(nil)
	_ Tokens = (*Client)(nil)

	_ core.Content = (*tokenContent)(nil)
	_ core.Reader  = (*tokenReader)(nil)
)

// AddToken implements Tokens.
func (a *App) AddToken(ctx context.Context, t NewToken) (string, error) {
	text, _ := access.NewToken()
	return text, a.createToken(ctx, "", t, text)
}

// createToken makes the entry of a token whose text is known. An empty id makes one.
func (a *App) createToken(ctx context.Context, id core.EntryID, t NewToken, text string) error {
	data := t.fields()
	op := core.Operation{Op: core.OperationCreate, Type: access.TokenType, ID: id, Data: data}
	_, err := a.content.Write(withToken(ctx, text), core.System, []core.Operation{op}, core.WriteOptions{Reason: "token"})
	return err
}

func (t NewToken) fields() map[string]any {
	data := map[string]any{"name": t.Name, "role": t.Role}
	if !t.ExpiresAt.IsZero() {
		data["expiresAt"] = t.ExpiresAt.UTC().Format(time.RFC3339)
	}
	return data
}

// Tokens implements Tokens.
func (a *App) Tokens(ctx context.Context) ([]Token, error) {
	var tokens []Token
	err := a.catalog.Each(ctx, access.TokenType, "", func(e *core.Entry) error {
		if e.Trashed() {
			return nil
		}
		t, err := tokenOf(e)
		tokens = append(tokens, t)
		return err
	})
	return tokens, err
}

func tokenOf(e *core.Entry) (Token, error) {
	var doc struct {
		Token
		Hash string `json:"hash"`
	}
	err := json.Unmarshal(e.Latest(), &doc)
	doc.Token.ID, doc.Token.Hash = e.ID, doc.Hash
	return doc.Token, err
}

// AddToken implements Tokens.
func (c *Client) AddToken(ctx context.Context, t NewToken) (string, error) {
	var made struct {
		Token string `json:"token"`
	}
	err := c.Call(ctx, http.MethodPost, "/api/v1/content/"+string(access.TokenType), t.fields(), &made, false)
	if err == nil && made.Token == "" {
		err = errors.New("the server has made the token and does not show it; delete it and ask again")
	}
	return made.Token, err
}

// Tokens implements Tokens.
func (c *Client) Tokens(ctx context.Context) ([]Token, error) {
	var all []Token
	pages := c.Pages(core.NewType(core.Type{Name: access.TokenType}), core.StateDraft, "", "")
	for {
		docs, _, err := pages.Next(ctx)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		for _, doc := range docs {
			var t Token
			if err := json.Unmarshal(jsondoc.Encode(doc), &t); err != nil {
				return nil, err
			}
			all = append(all, t)
		}
	}
}

// tokenContent is the write path with one thing more: a new entry of _token gets its secret here, of which only the
// hash is kept. It stands around the write path rather than among the hooks, since those cost every other write time.
type tokenContent struct {
	core.Content
	access core.Access
	types  core.Types
	fresh  *freshTokens
}

// Write implements core.Content.
func (c *tokenContent) Write(ctx context.Context, who *core.Principal, ops []core.Operation, o core.WriteOptions) (*core.Result, error) {
	if !makesToken(ops) {
		return c.Content.Write(ctx, who, ops, o)
	}
	if len(ops) > 1 {
		return nil, core.Errorf(core.CodeBadRequest, "A token is made by a request of its own: its text is shown once.")
	}
	trusted, err := c.trusted(ctx, who, ops[0].Data)
	if err != nil {
		return nil, err
	}
	text := tokenIn(ctx)
	if text == "" {
		text, _ = access.NewToken()
	}
	result, err := c.Content.Write(ctx, trusted, []core.Operation{withHash(ops[0], text)}, o)
	if err == nil && !o.DryRun && !result.Replayed {
		c.fresh.keep(result.Items[0].ID, who.ID, text)
	}
	return result, err
}

func makesToken(ops []core.Operation) bool {
	for i := range ops {
		if ops[i].Type == access.TokenType && (ops[i].Op == core.OperationCreate || ops[i].Op == core.OperationUpsert) {
			return true
		}
	}
	return false
}

// trusted lets the caller's write set what nobody may send, once it is clear that he may make tokens.
func (c *tokenContent) trusted(ctx context.Context, who *core.Principal, data map[string]any) (*core.Principal, error) {
	t, ok := c.types.Type(access.TokenType)
	if !ok {
		return nil, core.Errorf(core.CodeInternal, "app: there is no type %s", access.TokenType)
	}
	if _, err := c.access.Scope(ctx, who, t, core.ActionCreate); err != nil {
		return nil, err
	}
	for _, name := range []string{"hash", "hint"} {
		if _, sent := data[name]; sent {
			return nil, core.Invalid(core.FieldError{Pointer: "/" + name, Keyword: "readOnly", Message: "This field is filled in by the system: leave it out.",
				Texts: core.Text{"fr": "Ce champ est rempli par le système : ne l’envoyez pas."}})
		}
	}
	return &core.Principal{ID: who.ID, Kind: core.System.Kind, Roles: who.Roles}, nil
}

// withHash is the operation with what is kept of the token.
func withHash(op core.Operation, text string) core.Operation {
	op.Op, op.Match = core.OperationCreate, ""
	op.Data = jsondoc.CloneObject(op.Data)
	op.Data["hash"], op.Data["hint"] = access.HashToken(text), text[:min(len(text), 8)]
	return op
}

// tokenReader shows the text of a token to the one who made it, in the answer to that request.
type tokenReader struct {
	core.Reader
	fresh *freshTokens
}

// Show implements core.Reader.
func (r *tokenReader) Show(ctx context.Context, who *core.Principal, e *core.Entry, params url.Values) (*core.Answer, error) {
	answer, err := r.Reader.Show(ctx, who, e, params)
	if err != nil || e.Type != access.TokenType {
		return answer, err
	}
	if text := r.fresh.take(e.ID, who.ID); text != "" {
		shown := *answer
		body := append([]byte(nil), bytes.TrimSuffix(answer.Body, []byte("}"))...)
		shown.Body = append(jsondoc.AppendString(append(body, `,"token":`...), text), '}')
		return &shown, nil
	}
	return answer, nil
}

// freshTokens are the texts of tokens between being made and being shown. The zero freshTokens are ready.
type freshTokens struct {
	mu   sync.Mutex
	list map[core.EntryID]freshToken
}

type freshToken struct {
	actor, text string
	made        time.Time
}

// showWithin is how long after a creation its answer may come.
const showWithin = time.Minute

// keep remembers a text until it is shown, and forgets those that nobody came for.
func (f *freshTokens) keep(id core.EntryID, actor, text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.list == nil {
		f.list = map[core.EntryID]freshToken{}
	}
	for old, t := range f.list {
		if time.Since(t.made) > showWithin {
			delete(f.list, old)
		}
	}
	f.list[id] = freshToken{actor, text, time.Now()}
}

func (f *freshTokens) take(id core.EntryID, actor string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	t, ok := f.list[id]
	if !ok || t.actor != actor || time.Since(t.made) > showWithin {
		return ""
	}
	delete(f.list, id)
	return t.text
}

// tokenKey is where a context carries the text of a token that is to be made.
type tokenKey struct{}

func withToken(ctx context.Context, text string) context.Context {
	return context.WithValue(ctx, tokenKey{}, text)
}

func tokenIn(ctx context.Context) string {
	text, _ := ctx.Value(tokenKey{}).(string)
	return text
}
