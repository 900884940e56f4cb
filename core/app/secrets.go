package app

import (
	"context"
	"slices"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/access"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// bind makes the tokens of a user who is no administrator end with his account. Which roles he may give them is package
// account's to say.
func bind(who *core.Principal, op *core.Operation) error {
	account := accountOf(who)
	if op.Data == nil || account == "" || slices.Contains(who.Roles, access.Administrator) {
		return nil
	}
	op.Data = jsondoc.CloneObject(op.Data)
	op.Data["user"] = map[string]any{"_ref": account, "_type": string(access.UserType)}
	return nil
}

// accountOf is the account that a caller acts for, be it by a token of its own; "" for none.
func accountOf(who *core.Principal) string {
	if user := who.About["_user"]; len(user) == 1 {
		id, _ := user[0].(string)
		return id
	}
	return ""
}

func makesSecret(ops []core.Operation) bool {
	for i := range ops {
		if secret(ops[i].Type) && (ops[i].Op == core.OperationCreate || ops[i].Op == core.OperationUpsert) {
			return true
		}
	}
	return false
}

// writeSecret makes a token or a link.
func (c *rightsContent) writeSecret(ctx context.Context, who *core.Principal, ops []core.Operation, o core.WriteOptions) (*core.Result, error) {
	ops, err := c.judged(ctx, who, ops, o)
	if err != nil {
		return nil, err
	}
	if len(ops) > 1 {
		return nil, core.Refuse(core.CodeBadRequest, "", "A token is made by a request of its own: its text is shown once.",
			"Un jeton se crée par une requête à lui : son texte ne se montre qu’une fois.")
	}
	text := tokenIn(ctx)
	if text == "" {
		text, _ = access.NewToken()
	}
	result, err := c.Content.Write(ctx, who, []core.Operation{withHash(ops[0], text)}, o)
	if err == nil && !o.DryRun && !result.Replayed {
		c.fresh.keep(result.Items[0].ID, who.ID, text)
	}
	return result, err
}

// withHash is the operation with what is kept of the secret: nobody sends that himself.
func withHash(op core.Operation, text string) core.Operation {
	op.Op, op.Match = core.OperationCreate, ""
	op.Fill = map[string]any{"hash": access.HashToken(text)}
	if op.Type == access.TokenType {
		op.Fill["hint"] = text[:min(len(text), 8)]
	}
	return op
}
