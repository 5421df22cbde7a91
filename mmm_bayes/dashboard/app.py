"""What Streamlit runs anew for each visitor and change: the page of the runs that the command line named."""

import sys

from mmm_bayes.dashboard.page import page

if __name__ == "__main__":
    page(root=sys.argv[1], configs=sys.argv[2:])
