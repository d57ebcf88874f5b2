"""The paper's user study: who scored what, and the table of the scores (Section 4.4, Table 1).

`scales` are the four questions, `items` what is to be scored and in which order each participant
sees it, `answers` the file of scores, `table` their means with confidence intervals. Pages and
server are the command line's. Importing this package loads neither torch nor numpy.
"""
