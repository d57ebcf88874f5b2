"""The paper's figures 5, 7, 8, 9 and 10, made of whatever faces there are.

`gallery` has the faces, `plan` says what each figure shows and draws its samples, `cells` makes the
pictures by the way that avatars are made, `layout` sets them with captions into one sheet.
Importing this package loads no torch.
"""
