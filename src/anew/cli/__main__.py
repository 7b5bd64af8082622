"""`python -m anew.cli`"""

from anew.cli import main

main()
