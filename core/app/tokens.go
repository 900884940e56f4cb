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
	// RevokeToken ends a token at once.
	RevokeToken(ctx context.Context, id core.EntryID) error
	// RoleNames are the roles that there are.
	RoleNames(ctx context.Context) ([]string, error)
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

	_ core.Reader = (*tokenReader)(nil)
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

// RevokeToken implements Tokens.
func (a *App) RevokeToken(ctx context.Context, id core.EntryID) error {
	op := core.Operation{Op: core.OperationDelete, Type: access.TokenType, ID: id}
	_, err := a.content.Write(ctx, core.System, []core.Operation{op}, core.WriteOptions{Reason: "token"})
	return err
}

const tokensPath = "/api/v1/content/" + string(access.TokenType)

// RevokeToken implements Tokens.
func (c *Client) RevokeToken(ctx context.Context, id core.EntryID) error {
	return c.Call(ctx, http.MethodDelete, tokensPath+"/"+string(id), nil, nil, false)
}

// AddToken implements Tokens.
func (c *Client) AddToken(ctx context.Context, t NewToken) (string, error) {
	var made struct {
		Token string `json:"token"`
	}
	err := c.Call(ctx, http.MethodPost, tokensPath, t.fields(), &made, false)
	if err == nil && made.Token == "" {
		err = errors.New("the server has made the token and does not show it; delete it and ask again")
	}
	return made.Token, err
}

// Tokens implements Tokens.
func (c *Client) Tokens(ctx context.Context) ([]Token, error) {
	var all []Token
	err := c.each(ctx, access.TokenType, func(doc map[string]any) error {
		var t Token
		err := json.Unmarshal(jsondoc.Encode(doc), &t)
		all = append(all, t)
		return err
	})
	return all, err
}

// each calls f with the latest document of every entry of a system type.
func (c *Client) each(ctx context.Context, name core.TypeName, f func(doc map[string]any) error) error {
	pages := c.Pages(core.NewType(core.Type{Name: name}), core.StateDraft, "", "")
	for {
		docs, _, err := pages.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, doc := range docs {
			if err := f(doc); err != nil {
				return err
			}
		}
	}
}

// tokenReader shows the text of a token or a link to the one who made it, in the answer to that request.
type tokenReader struct {
	core.Reader
	fresh *freshTokens
}

// Show implements core.Reader.
func (r *tokenReader) Show(ctx context.Context, who *core.Principal, e *core.Entry, params url.Values) (*core.Answer, error) {
	answer, err := r.Reader.Show(ctx, who, e, params)
	if err != nil || !secret(e.Type) {
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
