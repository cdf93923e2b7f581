package storetest

import (
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/apitoken"
)

// ListPlan is a query of a list, whose plan a store's test looks at.
type ListPlan struct {
	Users     *account.Query
	APITokens *apitoken.Query
	// Sorted says that what was found is sorted: a few hundred users, one user's tokens, the disabled ones, one page.
	Sorted bool
}

// ListPlans returns the queries that the lists of people can come to, each with a place to go on from.
func ListPlans() map[string]ListPlan {
	id, at, yes, no := uuid.Max, time.Unix(1, 0), true, false
	return map[string]ListPlan{
		"users by name":      {Users: &account.Query{After: account.Place{Name: "a"}, Limit: 51}},
		"users by age":       {Users: &account.Query{Order: account.ByAge, Descending: true, After: account.Place{ID: id}, Limit: 51}},
		"users found":        {Users: &account.Query{Find: "a", After: account.Place{Name: "a"}, Limit: 51}, Sorted: true},
		"users found, first": {Users: &account.Query{Find: "a", Descending: true, Limit: 51}, Sorted: true},

		"tokens by name":           {APITokens: &apitoken.Query{Order: apitoken.ByName, After: apitoken.Place{Name: "a"}, Limit: 51}},
		"tokens found":             {APITokens: &apitoken.Query{Order: apitoken.ByName, Find: "a", Descending: true, After: apitoken.Place{Name: "a"}, Limit: 51}},
		"tokens by age":            {APITokens: &apitoken.Query{Order: apitoken.ByAge, Descending: true, After: apitoken.Place{ID: id}, Limit: 51}},
		"tokens by end":            {APITokens: &apitoken.Query{Order: apitoken.ByEnd, After: apitoken.Place{ID: id, End: at}, Limit: 51}},
		"the last tokens by end":   {APITokens: &apitoken.Query{Order: apitoken.ByEnd, Descending: true, After: apitoken.Place{ID: id}, Limit: 51}},
		"tokens that end":          {APITokens: &apitoken.Query{Order: apitoken.ByEnd, EndingFrom: at, ExpiringBefore: at, Enabled: &yes, After: apitoken.Place{ID: id, End: at}, Limit: 51}, Sorted: true},
		"enabled tokens":           {APITokens: &apitoken.Query{Order: apitoken.ByName, Enabled: &yes, Find: "a", After: apitoken.Place{Name: "a"}, Limit: 51}},
		"enabled tokens by age":    {APITokens: &apitoken.Query{Order: apitoken.ByAge, Enabled: &yes, After: apitoken.Place{ID: id}, Limit: 51}},
		"disabled tokens":          {APITokens: &apitoken.Query{Order: apitoken.ByName, Enabled: &no, After: apitoken.Place{Name: "a"}, Limit: 51}},
		"disabled tokens by end":   {APITokens: &apitoken.Query{Order: apitoken.ByEnd, Enabled: &no, EndingFrom: at, Limit: 51}, Sorted: true},
		"tokens of a user":         {APITokens: &apitoken.Query{Order: apitoken.ByName, UserID: id, Enabled: &no, After: apitoken.Place{Name: "a"}, Limit: 51}},
		"tokens of a user, by age": {APITokens: &apitoken.Query{Order: apitoken.ByAge, UserID: id, Limit: 51}, Sorted: true},
	}
}
