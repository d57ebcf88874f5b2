"""The page of `hasnet ui`: `workshop` keeps photos and makes avatars, `turns` says who works,
`asked` reads what the page wants, `told` says what there is, `app` puts them behind addresses;
`static` is the page itself.
"""
