package app

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/access"
	"github.com/palabre-cms/palabre/core/internal/spelling"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// FindToken finds a token by its identifier, or by a name that it alone has.
func FindToken(ctx context.Context, s Tokens, called string) (Token, error) {
	tokens, err := s.Tokens(ctx)
	if err != nil {
		return Token{}, err
	}
	var named []Token
	var ids []string
	for _, t := range tokens {
		if string(t.ID) == called {
			return t, nil
		}
		if t.Name == called {
			named, ids = append(named, t), append(ids, string(t.ID))
		}
	}
	switch len(named) {
	case 0:
		return Token{}, core.Errorf(core.CodeNotFound, "There is no token %q. palabre tokens list shows those that there are.", called)
	case 1:
		return named[0], nil
	}
	return Token{}, core.Errorf(core.CodeConflict, "%d tokens are named %q. Name one by its identifier: %s.", len(named), called, strings.Join(ids, ", "))
}

// RoleWarning says that there is no such role, and which one was meant most likely: a token in it may do nothing until there
// is. It is "" for a role that there is, and where the roles are not to be seen.
func RoleWarning(ctx context.Context, s Tokens, role string) string {
	names, err := s.RoleNames(ctx)
	if err != nil || slices.Contains(names, role) {
		return ""
	}
	text := fmt.Sprintf("there is no role %q: until there is one, the token may only do what anybody may", role)
	if nearest := spelling.Nearest(role, names); nearest != "" {
		text += fmt.Sprintf("; did you mean %q?", nearest)
	}
	return text
}

// RoleNames implements Tokens. The roles that are there from the start count before the first start of a server too.
func (a *App) RoleNames(ctx context.Context) ([]string, error) {
	docs, err := access.Builtin()
	if err != nil {
		return nil, err
	}
	names := []string{access.Administrator}
	for _, doc := range docs {
		names = appendName(names, doc)
	}
	err = a.catalog.Each(ctx, access.RoleType, "", func(e *core.Entry) error {
		if e.Trashed() {
			return nil
		}
		doc, err := jsondoc.ParseObject(e.Latest())
		names = appendName(names, doc)
		return err
	})
	return names, err
}

// RoleNames implements Tokens.
func (c *Client) RoleNames(ctx context.Context) ([]string, error) {
	names := []string{access.Administrator}
	err := c.each(ctx, access.RoleType, func(doc map[string]any) error {
		names = appendName(names, doc)
		return nil
	})
	return names, err
}

func appendName(names []string, doc map[string]any) []string {
	if name, ok := doc["name"].(string); ok {
		names = append(names, name)
	}
	return names
}
